import {
  apis,
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
} from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import {
  segmentOfEpoch,
  toVirtual,
  virtualEnd,
  virtualEpoch,
  type Segment,
  type Timeline,
} from '../timeline/index.ts'
import { byPartition, within, type PartitionsApi, type Plan } from './partitions.ts'
import { isSourceOff, type Translation } from './translation.ts'

type Asked = OffsetForLeaderEpochRequest['topics'][number]['partitions'][number]
type Found = OffsetForLeaderEpochResponse['topics'][number]['partitions'][number]

/**
 * OffsetForLeaderEpoch (KIP-320), every version: an epoch belongs to one segment, whose cluster is asked.
 * An epoch of a closed segment ends with it at the latest; once the source may be off, exactly there.
 */
export const translateOffsetForLeaderEpoch: Translation = (table, request) => {
  const api = apis.offsetForLeaderEpoch
  const asked = bodyOf(api, request)
  const isOff = isSourceOff(table.view)
  return byPartition(
    table,
    request,
    listing(asked),
    asked.topics.flatMap(({ topic, partitions }) =>
      partitions.map((ask) => ({ topic, partition: ask.partition, ask })),
    ),
    (timeline, ask) => plan(timeline, ask, isOff),
  )
}

const offsetMax = 2n ** 63n - 1n

const listing = (
  asked: OffsetForLeaderEpochRequest,
): PartitionsApi<
  typeof apis.offsetForLeaderEpoch.request.fields,
  typeof apis.offsetForLeaderEpoch.response.fields,
  Asked,
  Found
> => ({
  api: apis.offsetForLeaderEpoch,
  access: 'read',
  body: (topics) => ({
    ...asked,
    topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
  }),
  index: ({ partition }) => partition,
  results: ({ topics }) => topics.map(({ topic, partitions }) => [topic, partitions]),
  resultIndex: ({ partition }) => partition,
  errorOf: ({ errorCode }) => errorCode,
  failed: (partition, errorCode) => ({ partition, errorCode, leaderEpoch: -1, endOffset: -1n }),
  // Nobody reads there any more; that it was truncated is the last thing to say.
  ended: ({ partition, leaderEpoch }) => ({
    ...{ partition, leaderEpoch },
    ...{ errorCode: 0, endOffset: offsetMax },
  }),
  answer: (answers, topics) => ({
    throttleTimeMs: throttle(answers),
    topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })),
  }),
})

function plan(timeline: Timeline, ask: Asked, isOff: boolean): Plan<Asked, Found> {
  const { partition, leaderEpoch } = ask
  const segment = segmentOfEpoch(timeline, leaderEpoch)
  const end = virtualEnd(segment)
  const atItsEnd: Found | undefined =
    end === null ? undefined : { partition, errorCode: 0, leaderEpoch, endOffset: end }
  if (atItsEnd !== undefined && isOff && segment.cluster === 'source') {
    return { lookups: [], show: () => atItsEnd }
  }
  const native = {
    partition: segment.partition,
    currentLeaderEpoch: -1,
    leaderEpoch: leaderEpoch - segment.epochBase,
  }
  return {
    lookups: [{ at: segment, ask: native }],
    show: ([found]) => ({ ...showEnd(segment, found as Found, atItsEnd), partition }),
  }
}

/** Nothing known of an epoch would mean truncation to the client: a closed segment was not truncated. */
function showEnd(segment: Segment, found: Found, atItsEnd: Found | undefined): Found {
  if (found.errorCode !== 0) return found
  if (found.endOffset < 0n) return atItsEnd ?? found
  return {
    ...found,
    leaderEpoch: virtualEpoch(segment, found.leaderEpoch),
    endOffset: toVirtual(segment, within(segment, found.endOffset)),
  }
}
