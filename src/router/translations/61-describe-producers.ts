import { apis, type DescribeProducersResponse } from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import { nativeProducerId, openSegment, toVirtual, type Timeline } from '../timeline/index.ts'
import { byPartition, listed, resultsListed, type PartitionsApi } from './partitions.ts'
import { type Translation } from './translation.ts'

interface Asked {
  readonly index: number
}
type Found = DescribeProducersResponse['topics'][number]['partitions'][number]

/** DescribeProducers (KIP-664): those of the open segment, by the ids that clients know. */
export const translateDescribeProducers: Translation = (table, request) => {
  const api = apis.describeProducers
  const asked = bodyOf(api, request)
  return byPartition(
    table,
    request,
    listing,
    asked.topics.flatMap(({ name, partitionIndexes }) =>
      partitionIndexes.map((index) => ({ topic: name, partition: index, ask: { index } })),
    ),
    (timeline, { index }) => {
      const open = openSegment(timeline)
      return {
        lookups: [{ at: open, ask: { index: open.partition } }],
        show: ([found]) => ({
          ...(found as Found),
          partitionIndex: index,
          activeProducers: (found as Found).activeProducers.map((producer) => ({
            ...producer,
            producerId: shownAs(timeline, producer.producerId),
            currentTxnStartOffset:
              producer.currentTxnStartOffset < 0n
                ? producer.currentTxnStartOffset
                : toVirtual(open, producer.currentTxnStartOffset),
          })),
        }),
      }
    },
  )
}

const listing: PartitionsApi<
  typeof apis.describeProducers.request.fields,
  typeof apis.describeProducers.response.fields,
  Asked,
  Found
> = {
  api: apis.describeProducers,
  access: 'write',
  body: (topics) => ({
    topics: [...topics].map(([name, asked]) => ({
      name,
      partitionIndexes: asked.map(({ index }) => index),
    })),
  }),
  index: ({ index }) => index,
  results: resultsListed,
  resultIndex: ({ partitionIndex }) => partitionIndex,
  errorOf: ({ errorCode }) => errorCode,
  failed: (partitionIndex, errorCode) => ({
    partitionIndex,
    errorCode,
    errorMessage: null,
    activeProducers: [],
  }),
  answer: (answers, topics) => ({
    throttleTimeMs: throttle(answers),
    topics: listed(topics),
  }),
}

/** As what clients know a producer; one that writes to the target without us keeps its own id. */
function shownAs(timeline: Timeline, native: bigint): bigint {
  const added = nativeProducerId(timeline.length - 1, 0n)
  return native < added ? native : native - added
}
