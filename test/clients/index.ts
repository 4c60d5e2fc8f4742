/** Unmodified clients of every language, each behind one small program with the same interface. */
export {
  assignmentsOf,
  clientNames,
  clients,
  compressionsWith,
  talksTo,
  wireVersion,
  type ClientName,
} from './catalog.ts'
export { startClient, type RunningClient } from './program.ts'
export { setupClients, type Program, type Setup } from './setup.ts'
export type {
  Assignment,
  ClientEvent,
  Compression,
  Login,
  RecordEvent,
  Workload,
} from './workload.ts'
