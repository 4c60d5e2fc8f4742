import { clusterNames, type ClusterName } from '../../ids.ts'
import { toNative, virtualEnd, type Timeline } from './timeline.ts'

/** Where a virtual offset lies in one cluster. */
export interface Place {
  readonly topic: string
  readonly partition: number
  /** Native. */
  readonly offset: bigint
}

/**
 * Where a position that an application keeps itself is on each cluster; null where that cluster does not
 * have it. The offset of a splice is on both: it is the end of the one and the beginning of the other.
 */
export function placesOf(
  timeline: Timeline,
  virtualOffset: bigint,
): Readonly<Record<ClusterName, Place | null>> {
  const places: Record<ClusterName, Place | null> = { source: null, target: null }
  for (const cluster of clusterNames) {
    const segment = timeline.findLast((each) => {
      const end = virtualEnd(each)
      const isBefore = virtualOffset < each.virtualStart
      return each.cluster === cluster && !isBefore && (end === null || virtualOffset <= end)
    })
    if (segment === undefined) continue
    const { topic, partition } = segment
    places[cluster] = { topic, partition, offset: toNative(segment, virtualOffset) }
  }
  return places
}
