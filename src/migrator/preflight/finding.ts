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
}
