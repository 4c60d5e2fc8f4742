import { apis, type RequestInput } from '../../../src/protocol/index.ts'
import type { RawClient } from '../raw-client.ts'
import { topic, unknownId, type Answers } from './given.ts'

type FetchInput = RequestInput<typeof apis.fetch>
type FetchPartition = FetchInput['topics'][number]['partitions'][number]

export async function fetch(
  asked: RawClient,
  partition: Partial<FetchPartition>,
  { version = 12, ...rest }: Partial<FetchInput> & { version?: number; name?: string } = {},
): Promise<unknown> {
  const partitions = [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 100_000, ...partition }]
  const answer = await asked.ask(apis.fetch, version, {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ topic: rest.name ?? topic, topicId: unknownId, partitions }],
    forgottenTopicsData: [],
    ...rest,
  })
  return [
    answer.errorCode,
    answer.responses.map(({ partitions: found }) =>
      found.map((each) => [
        ...[each.errorCode, each.highWatermark, each.lastStableOffset, each.logStartOffset],
        ...[each.divergingEpoch, (each.records?.length ?? 0) > 0],
      ]),
    ),
  ]
}

export async function askFetch(asked: RawClient): Promise<Answers> {
  const session = { sessionId: 12345, sessionEpoch: 3 }
  return {
    'fetch: from the start': await fetch(asked, {}),
    'fetch: at the end': await fetch(asked, { fetchOffset: 6n }),
    'fetch: beyond the end': await fetch(asked, { fetchOffset: 7n }),
    'fetch: before the start': await fetch(asked, { fetchOffset: -3n }),
    'fetch: unknown partition': await fetch(asked, { partition: 9 }),
    'fetch: unknown topic': await fetch(asked, {}, { name: 'nowhere' }),
    'fetch: unknown id': await fetch(asked, {}, { version: 13 }),
    'fetch: epoch too new': await fetch(asked, { currentLeaderEpoch: 9 }),
    'fetch: last epoch unknown': await fetch(asked, { lastFetchedEpoch: 9 }),
    'fetch: last epoch, position beyond': await fetch(asked, {
      ...{ lastFetchedEpoch: 0, fetchOffset: 9n },
    }),
    'fetch: unknown session': await fetch(asked, {}, session),
    'fetch: unknown session at its end': await fetch(asked, {}, { ...session, sessionEpoch: -1 }),
  }
}
