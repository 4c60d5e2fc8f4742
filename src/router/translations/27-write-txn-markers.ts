import type { ClusterName } from '../../ids.ts'
import {
  apis,
  errorCodes,
  type WriteTxnMarkersRequest,
  type WriteTxnMarkersResponse,
} from '../../protocol/index.ts'
import { bodyOf } from '../decision.ts'
import { leaderOf, type Destination, type RoutingTable } from '../table.ts'
import { openSegment } from '../timeline/index.ts'
import { translated, type Translation } from './translation.ts'

type Marker = WriteTxnMarkersRequest['markers'][number]

/** What one partition is to be marked with, by its cluster's names; `asked` is by those of the client. */
interface Mark {
  readonly asked: { readonly marker: Marker; readonly topic: string; readonly partition: number }
  readonly cluster: ClusterName
  readonly topic: string
  readonly partition: number
  readonly hasMoved: boolean
}

/**
 * WriteTxnMarkers, as `kafka-transactions abort` sends it (KIP-664): to the open segment of each partition. The
 * producer id of a transaction is its coordinator's, and the same to everybody.
 */
export const translateWriteTxnMarkers: Translation = (table, request) => {
  const api = apis.writeTxnMarkers
  const asked = bodyOf(api, request)
  const marks = asked.markers.flatMap((marker) =>
    marker.topics.flatMap(({ name, partitionIndexes }) =>
      partitionIndexes.map((partition) => markOf(table, { marker, topic: name, partition })),
    ),
  )
  if (!marks.some(({ hasMoved }) => hasMoved)) return undefined
  const marksOf = new Map<Destination, Mark[]>()
  for (const mark of marks) {
    const to = leaderOf(table, mark)
    if (to === undefined) {
      const { cluster, topic } = mark
      return { kind: 'ask', question: { kind: 'leaders', topics: [topic], cluster } }
    }
    if (!marksOf.get(to)?.push(mark)) marksOf.set(to, [mark])
  }
  const destinations = [...marksOf.values()]
  const parts = [...marksOf].map(([to, mine]) => ({ to, body: { markers: nativeMarkers(mine) } }))
  return translated(api, request, parts, (answers) => {
    const errors = new Map<Mark, number>()
    answers.forEach((answer, i) => {
      for (const mark of destinations[i] ?? []) errors.set(mark, errorOf(answer, mark))
    })
    return { markers: shownMarkers(marks, errors) }
  })
}

function markOf(table: RoutingTable, asked: Mark['asked']): Mark {
  const { topic, partition } = asked
  const routed = table.topics.get(topic)?.partitions[partition]
  if (routed?.timeline == null) {
    const cluster = routed?.write?.cluster ?? 'source'
    return { asked, cluster, topic, partition, hasMoved: false }
  }
  return { ...openSegment(routed.timeline), asked, hasMoved: true }
}

const nativeMarkers = (marks: readonly Mark[]): Marker[] =>
  marks.map(({ asked, topic, partition }) => ({
    ...asked.marker,
    topics: [{ name: topic, partitionIndexes: [partition] }],
  }))

function errorOf({ markers }: WriteTxnMarkersResponse, mark: Mark): number {
  const found = markers
    .filter(({ producerId }) => producerId === mark.asked.marker.producerId)
    .flatMap(({ topics }) => topics.filter(({ name }) => name === mark.topic))
    .flatMap(({ partitions }) => partitions)
    .find(({ partitionIndex }) => partitionIndex === mark.partition)
  return found?.errorCode ?? errorCodes.UNKNOWN_SERVER_ERROR
}

/** One for each marker and topic of the request. */
function shownMarkers(
  marks: readonly Mark[],
  errors: ReadonlyMap<Mark, number>,
): WriteTxnMarkersResponse['markers'] {
  return [...Map.groupBy(marks, ({ asked }) => asked.marker)].map(([{ producerId }, mine]) => ({
    producerId,
    topics: [...Map.groupBy(mine, ({ asked }) => asked.topic)].map(([name, each]) => ({
      name,
      partitions: each.map((mark) => ({
        partitionIndex: mark.asked.partition,
        errorCode: errors.get(mark) ?? errorCodes.UNKNOWN_SERVER_ERROR,
      })),
    })),
  }))
}
