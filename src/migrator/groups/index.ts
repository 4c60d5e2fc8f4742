/** Consumer groups on their way: how far each is, and its move. */
export { copyOffsets } from './copy.ts'
export type { GroupGate, Held, HeldMember, MoveEntry, WriteEntry } from './gate.ts'
export {
  administrator,
  commitOffsets,
  describeGroup,
  fetchOffsets,
  listEveryGroup,
  listGroups,
  type CommittedOffset,
  type CommittedOffsets,
  type DescribedGroup,
  type GroupOfAnyKind,
} from './group-requests.ts'
export { interruptedMoves, removeLeftovers } from './leftovers.ts'
export { moveGroup, type MoveClock, type MoveOutcome, type OwnCluster } from './move.ts'
export { GroupsMover, movesMax, type GroupsMoverOptions } from './mover.ts'
export { quietMs, type OpenEnd, type OpenEnds } from './open-ends.ts'
export {
  groupProgress,
  topicsOf,
  type GroupProgress,
  type PlannedTopics,
  type Positions,
} from './progress.ts'
export type { DrainRow, GroupRow } from './status.ts'
export { Tail } from './tail.ts'
