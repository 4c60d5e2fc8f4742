/** Carries a migration through its phases: asks the clusters, keeps the journal, moves the groups. */
export type { Cluster } from './cluster.ts'
export type { DataPlane } from './data-plane.ts'
export type { Transition } from './record.ts'
export { openFileJournal, type Journal } from './journal/index.ts'
export { findingText, Migrator, type MigratorOptions } from './migrator.ts'
export { preflight, type Finding, type Plan } from './preflight/index.ts'
