/** Where each request goes, and what of its answer changes on the way back. Pure. */
export { decide, type DecideOptions } from './decide.ts'
export type {
  CoordinatorKind,
  CoordinatorLookup,
  Decision,
  Part,
  Question,
  RequestFrame,
} from './decision.ts'
export {
  everyPartitionAcked,
  noteAcked,
  routeProduce,
  seen as seenProduce,
  type ProduceRoute,
} from './peek/00-produce.ts'
export {
  answeredSessionId,
  answeredSessionIdEndsAt,
  routeFetch,
  seen as seenFetch,
  type FetchRoute,
} from './peek/01-fetch.ts'
export { answerApiVersions } from './rewriters/18-api-versions.ts'
export { rewriters } from './rewriters/index.ts'
export type { ClusterFact, Fact, NamingAnswer, Rewriter } from './rewriters/rewriter.ts'
export { routedVersions, routes } from './routes.ts'
export { Firsts, type FirstBatch } from './moved/firsts.ts'
export { Growth, type GrowthSignal } from './moved/growth.ts'
export { moveFetch, type MovedFetch } from './moved/fetch.ts'
export { readAs, type Readings } from './moved/readings.ts'
export { moveFetchInPlace } from './moved/fetch-in-place.ts'
export {
  answersHere,
  leadersOf,
  patchMovedProduce,
  producedShifts,
  renumberProduce,
  seenMoved,
  routeMovedProduce,
  lastSequence,
  type KnownOfProducers,
} from './moved/produce.ts'
export { splitMovedProduce } from './moved/split-produce.ts'
export { rebased, SequenceBases, type WantedBase } from './moved/sequences.ts'
export { Retained, type RetainedBatch } from './moved/retained.ts'
export { batchHeaderBytes, batchProducer } from './patch/index.ts'
export { FetchPatcher, patchProduceResponse, type ShiftLookup } from './patch/index.ts'
export {
  producedBatches,
  ProducesInFlight,
  refuseProduce,
  type ProducedBatch,
} from './in-flight.ts'
export * from './migration/index.ts'
export { cutLateFetch } from './moved/late-fetch.ts'
export * from './timeline/index.ts'
export {
  anyBrokerId,
  anyOf,
  destination,
  homeBrokerId,
  homeOf,
  leaderOf,
  nextTable,
  noFeatures,
  type Destination,
  type OfferedFeatures,
  type RoutedPartition,
  type RoutingTable,
} from './table.ts'
export { clusterOfTransactions } from './translations/translation.ts'
export {
  joinedCommits,
  partedCommit,
  shownCommits,
  type ParallelCommit,
} from './translations/08-offset-commit.ts'
export { joinedWithShownNames, joinWithTargetNames } from './translations/11-join-group.ts'
export { isRedealt, redealt, subscribersOf, type Subscribers } from './translations/redeal.ts'
export { noView, placeOf, type GroupPlace, type PlannedTopic, type View } from './view.ts'
