/** Loads the configuration, validates it, freezes it; every error names the path in the file. */
export { loadConfig, type ConfigInput, type Loaded } from './load.ts'
export { nearest, type ConfigError } from './errors.ts'
export { parseDuration } from './values.ts'
export type { Flags } from './flags.ts'
export type * from './config.ts'
