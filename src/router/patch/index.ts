/**
 * The translation of a cutover, done to bytes in place on their way between a client and a cluster:
 * offsets and leader epochs of answers, producer ids and sequence numbers of batches. Nothing changes
 * its length, and no payload is looked at.
 */
export {
  patchProduceResponse,
  walkProduceBatches,
  type ProduceWalk,
  type VisitBatch,
} from './00-produce.ts'
export { FetchPatcher } from './01-fetch.ts'
export { batchHeaderBytes, batchProducer, patchBatchProducer, type BatchProducer } from './batch.ts'
export type { RenameTopicId, SeePartition, Shift, ShiftLookup } from './shift.ts'
