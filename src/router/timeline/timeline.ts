import { assert } from '../../assert.ts'
import type { ClusterName } from '../../ids.ts'

/**
 * A stretch of one partition of one cluster, and where it lies in the offsets that clients see.
 *
 *     native   start .. end
 *     virtual  virtualStart .. virtualStart + (end - start)
 */
export interface Segment {
  readonly cluster: ClusterName
  readonly topic: string
  readonly partition: number
  /** The first native offset. */
  readonly start: bigint
  /** The native offset behind the last one; null while the segment grows. */
  readonly end: bigint | null
  readonly virtualStart: bigint
  /** Added to the native leader epoch: epochs that clients see only rise (KIP-320). */
  readonly epochBase: number
}

/**
 * A virtual partition: segments without gap or overlap in virtual offsets, oldest first. Only the last
 * one is open, and writes go there.
 *
 *     source [0 .. S)  ->  target [T0 ..
 */
export type Timeline = readonly [Segment, ...Segment[]]

/** How far the epochs of one segment may rise before they would meet those of the next. */
export const epochsPerSegment = 1_000_000

/** A partition that has never moved. */
export function sourceTimeline(topic: string, partition: number): Timeline {
  return [
    {
      cluster: 'source',
      topic,
      partition,
      start: 0n,
      end: null,
      virtualStart: 0n,
      epochBase: 0,
    },
  ]
}

/** Where a timeline goes on behind its open segment. */
export interface Splice {
  /** The native end of the segment that closes. */
  readonly end: bigint
  readonly next: Pick<Segment, 'cluster' | 'topic' | 'partition' | 'start'>
}

/** Closes the open segment and opens the next one at the same virtual offset. */
export function splice(timeline: Timeline, { end, next }: Splice): Timeline {
  const last = openSegment(timeline)
  assert(end >= last.start, 'a segment ends before it starts')
  const closed = { ...last, end }
  const opened: Segment = {
    ...next,
    end: null,
    virtualStart: toVirtual(closed, end),
    epochBase: last.epochBase + epochsPerSegment,
  }
  return [...timeline.slice(0, -1), closed, opened] as unknown as Timeline
}

export function openSegment(timeline: Timeline): Segment {
  return timeline[timeline.length - 1] as Segment
}

/** The segment in which a virtual offset lies; one behind the end belongs to the open segment. */
export function segmentAt(timeline: Timeline, virtualOffset: bigint): Segment {
  for (let i = timeline.length - 1; i > 0; i--) {
    const segment = timeline[i] as Segment
    if (virtualOffset >= segment.virtualStart) return segment
  }
  return timeline[0]
}

/** The last segment in a cluster, or undefined when the partition was never there. */
export function segmentIn(timeline: Timeline, cluster: ClusterName): Segment | undefined {
  return timeline.findLast((segment) => segment.cluster === cluster)
}

/** What is added to a segment's native offsets. */
export const shiftOf = ({ start, virtualStart }: Segment): bigint => virtualStart - start

export function toVirtual(segment: Segment, nativeOffset: bigint): bigint {
  return nativeOffset + shiftOf(segment)
}

export function toNative(segment: Segment, virtualOffset: bigint): bigint {
  return virtualOffset - shiftOf(segment)
}

/** The virtual end of a closed segment. */
export function virtualEnd(segment: Segment): bigint | null {
  return segment.end === null ? null : toVirtual(segment, segment.end)
}

/** The segment that a virtual leader epoch belongs to. */
export function segmentOfEpoch(timeline: Timeline, virtualEpoch: number): Segment {
  return timeline.findLast((segment) => virtualEpoch >= segment.epochBase) ?? timeline[0]
}

/** A native leader epoch as clients see it; -1, unknown, stays so. */
export function virtualEpoch(segment: Segment, nativeEpoch: number): number {
  return nativeEpoch < 0 ? nativeEpoch : nativeEpoch + segment.epochBase
}
