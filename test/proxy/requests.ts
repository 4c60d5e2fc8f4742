import type { apis } from '../../src/protocol/index.ts'
import {
  batches,
  decodeRecords,
  encodeBatch,
  type FetchResponse,
  type RequestInput,
} from '../../src/protocol/index.ts'

/** Requests as the clients of these tests make them; `topic/partition` keys say where. */
export const produce = (
  values: Readonly<Record<string, readonly string[]>>,
  acks: 0 | 1 | -1 = 1,
): RequestInput<typeof apis.produce> => ({
  acks,
  timeoutMs: 5_000,
  topicData: byTopic(values).map(([name, partitions]) => ({
    name,
    partitionData: partitions.map(([index, list]) => ({ index, records: batchOf(list) })),
  })),
})

/** @param offsets where to read each partition from */
export const fetch = (
  offsets: Readonly<Record<string, bigint>>,
  more: Partial<RequestInput<typeof apis.fetch>> = {},
): RequestInput<typeof apis.fetch> => ({
  maxWaitMs: 0,
  minBytes: 1,
  maxBytes: 2 ** 26,
  sessionId: 0,
  sessionEpoch: -1,
  forgottenTopicsData: [],
  topics: byTopic(offsets).map(([topic, partitions]) => ({
    topic,
    partitions: partitions.map(([partition, fetchOffset]) => ({
      partition,
      fetchOffset,
      partitionMaxBytes: 2 ** 25,
    })),
  })),
  ...more,
})

export const listOffsets = (
  places: readonly string[],
  timestamp = -1n,
): RequestInput<typeof apis.listOffsets> => ({
  replicaId: -1,
  topics: byTopic(Object.fromEntries(places.map((place) => [place, timestamp]))).map(
    ([name, partitions]) => ({
      name,
      partitions: partitions.map(([partitionIndex]) => ({ partitionIndex, timestamp })),
    }),
  ),
})

/** The values that a Fetch brought, by `topic/partition`. */
export function fetched({ responses }: FetchResponse): Record<string, string[]> {
  return Object.fromEntries(
    responses.flatMap(({ topic, partitions }) =>
      partitions.map(({ partitionIndex, records }) => [
        `${topic}/${partitionIndex}`,
        records === null ? [] : valuesOf(records),
      ]),
    ),
  )
}

export function valuesOf(records: Buffer): string[] {
  return [...batches(records)].flatMap((batch) =>
    decodeRecords(records, batch).map(({ value }) => value?.toString() ?? ''),
  )
}

export function batchOf(values: readonly string[]): Buffer {
  return encodeBatch({
    records: values.map((value) => ({ timestamp: 1n, value: Buffer.from(value) })),
  })
}

function byTopic<T>(of: Readonly<Record<string, T>>): [string, [number, T][]][] {
  const topics = new Map<string, [number, T][]>()
  for (const [place, value] of Object.entries(of)) {
    const [name = '', partition] = place.split('/')
    const partitions = topics.get(name) ?? []
    partitions.push([Number(partition), value])
    topics.set(name, partitions)
  }
  return [...topics]
}
