import type { ClusterName } from '../ids.ts'
import type { GroupMember } from './migration/entries.ts'
import type { Parallel, Timeline } from './timeline/index.ts'

/** A topic of the plan, as clients know it: by the source's name and id. */
export interface PlannedTopic {
  readonly name: string
  readonly targetName: string
  /** The source's; null where it has none (before 2.8). It stays the topic's id for good. */
  readonly topicId: string | null
  /** What is read, one for each partition that clients see. */
  readonly timelines: readonly Timeline[]
  /** Where both clusters are read at once (unordered); else writes go to the end of each timeline. */
  readonly parallel?: Parallel | undefined
}

/** Where a group lives, or that it lives nowhere while it moves: its joins wait. */
export type GroupPlace = ClusterName | 'moving'

/**
 * What the migration tells the router: immutable, a part of the routing table. Without a cutover it is
 * `noView`, and everything is the source's.
 */
export interface View {
  /** Whether a target is configured. Then commits store no leader epochs, on either cluster. */
  readonly hasTarget: boolean
  /** The cluster id that clients have always seen; null until a splice made it worth keeping. */
  readonly clusterId: string | null
  /** By the name that clients know. */
  readonly topics: ReadonlyMap<string, PlannedTopic>
  /** Whether what is produced to the plan's topics is held. */
  readonly held: boolean
  /**
   * Whether what readers are answered waits for a splice to be decided: the source is being asked for its end, and what
   * somebody writes there from now on may lie behind it.
   */
  readonly settling: boolean
  /** Whether a Fetch may wait long: not while a splice is near, which a waiting Fetch would not notice. */
  readonly shortFetches: boolean
  /** Whether the plan is every topic: what is created behind the splice is created on the target. */
  readonly everyTopic: boolean
  /** Whether writes go to the target: behind the splice. */
  readonly spliced: boolean
  /**
   * Whether what has moved is still shown with its leaders and epochs of the source. A client that is told of new
   * partitions looks up metadata and joins anew at once; the Java client then commits nothing of a partition whose leader it
   * sees changed, until it has checked its position there, and what it has read since its last commit comes twice.
   */
  readonly leadersStay: boolean
  /** The cluster that answers what concerns no topic and no group. */
  readonly home: ClusterName
  /** Groups that are not where `home` is. */
  readonly groups: ReadonlyMap<string, GroupPlace>
  /**
   * As whom commits of groups that move go to the target, which takes none of anybody else meanwhile: of
   * those that read unordered topics.
   */
  readonly placeholders: ReadonlyMap<string, GroupMember>
}

export const noView: View = {
  hasTarget: false,
  clusterId: null,
  topics: new Map(),
  held: false,
  settling: false,
  shortFetches: false,
  everyTopic: false,
  spliced: false,
  leadersStay: false,
  home: 'source',
  groups: new Map(),
  placeholders: new Map(),
}

export function placeOf(view: View, group: string): GroupPlace {
  return view.groups.get(group) ?? view.home
}
