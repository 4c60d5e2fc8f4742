/**
 * What the journal says: the facts that a migration consists of, in their order. Nothing else of a
 * migration outlives the process. A kind or a field that is added raises the journal's format.
 *
 * Times (`at`) are epoch milliseconds. Topics are named as clients name them.
 */

/** A topic of the plan, as it was when the fence went up. */
export interface FencedTopic {
  readonly name: string
  readonly targetName: string
  /** The source's; null where it has none (before 2.8). */
  readonly topicId: string | null
  /** How many the source has. */
  readonly partitions: number
  /** How many the target has, of an unordered topic: both clusters are read at once. */
  readonly targetPartitions?: number | undefined
}

/** What is produced to these topics is held from now on, but to unordered ones. */
export interface FenceEntry {
  readonly kind: 'fence'
  /** Rises with every fence of a journal. */
  readonly fence: number
  readonly at: number
  /** The source's, which clients go on seeing. */
  readonly clusterId: string | null
  /** Whether the plan is every topic, also those that are yet to be created. */
  readonly everyTopic: boolean
  readonly topics: readonly FencedTopic[]
}

/** The fence is down, and everything is the source's again. */
export interface AbortEntry {
  readonly kind: 'abort'
  readonly fence: number
  readonly at: number
  readonly reason: string
}

export interface SplicedPartition {
  readonly topic: string
  readonly partition: number
  /** S: the source's end, behind its last record. */
  readonly end: bigint
  /** T0: the target's end, where the next record goes. */
  readonly start: bigint
}

/** T0 of one of the target's partitions, where the first record of an unordered topic goes. */
export interface StartedPartition {
  /** As clients name it. */
  readonly topic: string
  /** The target's. */
  readonly partition: number
  readonly start: bigint
}

/** Writes go to the target from now on. Of every partition of the plan; only a rollback goes back. */
export interface SpliceEntry {
  readonly kind: 'splice'
  readonly fence: number
  readonly at: number
  readonly partitions: readonly SplicedPartition[]
  /** Of unordered topics. */
  readonly starts?: readonly StartedPartition[] | undefined
}

/** The same for a plan of unordered topics alone, which nobody waits for: fence and splice in one. */
export interface FlipEntry extends Omit<FenceEntry, 'kind'> {
  readonly kind: 'flip'
  readonly starts: readonly StartedPartition[]
}

/** A member of a group on the target, by which its coordinator knows it. */
export interface GroupMember {
  readonly memberId: string
  readonly generationId: number
}

/** A group's joins are held, and its placeholder waits on the target. */
export interface GroupMovingEntry {
  readonly kind: 'group-moving'
  readonly group: string
  readonly at: number
  /** Of a group that reads unordered topics: as whom its members' commits go to the target meanwhile. */
  readonly placeholder?: GroupMember | undefined
}

/** The group's offsets are on the target: its joins go there. */
export interface GroupMovedEntry {
  readonly kind: 'group-moved'
  readonly group: string
  readonly at: number
}

/** The group's joins go back to the source. */
export interface GroupAbortedEntry {
  readonly kind: 'group-aborted'
  readonly group: string
  readonly at: number
  readonly reason: string
}

/**
 * The operator gave up what a dormant group had not read. Its offsets are on the target, those before S
 * as T0: there it resumes if it returns.
 */
export interface GroupForgottenEntry {
  readonly kind: 'group-forgotten'
  readonly group: string
  readonly at: number
}

/** The operator lets a dormant group stay on the source until it returns. Nobody waits for it. */
export interface GroupLeftEntry {
  readonly kind: 'group-left'
  readonly group: string
  readonly at: number
}

/** Every group has read the source to its end. */
export interface DrainedEntry {
  readonly kind: 'drained'
  readonly at: number
}

/** Every group has moved: the source is not needed any more. */
export interface TargetEntry {
  readonly kind: 'target'
  readonly at: number
  /** Of every partition that the source has of an unordered topic. */
  readonly read?: readonly ReadPartition[] | undefined
}

/** From where on what reaches the source of an unordered topic is carried: some group that has moved has not read it. */
export interface ReadPartition {
  /** As clients name it. */
  readonly topic: string
  readonly partition: number
  /** The source's offset behind the last record that every one of them has read. */
  readonly end: bigint
}

/** Records that reached the source behind the splice have been appended to the target, up to here. */
export interface CarriedEntry {
  readonly kind: 'carried'
  readonly topic: string
  readonly partition: number
  /** The source's offset behind the last one that was carried. */
  readonly sourceEnd: bigint
}

/**
 * From which sequence number on an idempotent producer writes to the target, which wants 0: what is taken
 * off (brokers up to 2.4).
 */
export interface SequenceBaseEntry {
  readonly kind: 'sequence-base'
  readonly topic: string
  readonly partition: number
  /** As clients know it. */
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly base: number
}

export type GroupEntry =
  GroupMovingEntry | GroupMovedEntry | GroupAbortedEntry | GroupForgottenEntry | GroupLeftEntry

export type Entry =
  | FenceEntry
  | AbortEntry
  | SpliceEntry
  | FlipEntry
  | GroupEntry
  | DrainedEntry
  | TargetEntry
  | CarriedEntry
  | SequenceBaseEntry

export type EntryKind = Entry['kind']
