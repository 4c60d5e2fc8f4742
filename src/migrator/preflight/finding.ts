/** What stands in the way of a cutover, or is worth knowing before it. */
export interface Finding {
  /** `blocking` refuses the cutover. */
  readonly severity: 'blocking' | 'warning' | 'info'
  /** What it is about: a topic, a transactional id, a cluster. */
  readonly subject: string
  readonly problem: string
  /** What was seen, and where. */
  readonly evidence: string
  readonly remedy: string
}

/** A topic of the plan, with how many partitions it has now. */
export interface TopicPlan {
  readonly name: string
  readonly targetName: string
  readonly topicId: string | null
  readonly partitions: number
  /** How many the target has, of an unordered topic: both clusters are read at once. */
  readonly targetPartitions?: number | undefined
}

/** A topic of which both clusters are read at once. */
export type UnorderedTopicPlan = TopicPlan & { readonly targetPartitions: number }

export const isUnordered = (topic: TopicPlan): topic is UnorderedTopicPlan =>
  topic.targetPartitions !== undefined
