export type * from './entries.ts'
export { apply, maxPartitions, recovered, replay, type Applied } from './machine.ts'
export {
  groupStandings,
  initialState,
  partitionKey,
  phases,
  standingOf,
  type Fence,
  type GroupStanding,
  type MigrationState,
  type Phase,
} from './state.ts'
export {
  nextStep,
  sentencesMax,
  type Facts,
  type GroupFact,
  type SourceEnd,
  type Step,
  type StepOptions,
} from './steps.ts'
export { groupTransitions, transitions } from './table.ts'
export { viewOf, type ViewOptions } from './view-of.ts'
