/** Carries a migration through its phases: asks the clusters, keeps the journal, moves the groups. */
export type { Cluster } from './cluster.ts'
export { openFileJournal, type Journal } from './journal/index.ts'
export {
  findingText,
  Migrator,
  type DataPlane,
  type MigratorOptions,
  type Transition,
} from './migrator.ts'
export { preflight, type Finding, type Plan } from './preflight/index.ts'
