/** The HTTP API on the admin port: status, events, metrics, commands, and a page to look at. */
export { startAdmin, type Admin, type AdminLimits, type AdminOptions } from './server.ts'
export type * from './source.ts'
export type * from './status.ts'
