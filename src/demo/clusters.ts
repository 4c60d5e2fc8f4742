import { startEmbeddedCluster } from '../embedded/index.ts'
import type { Output } from './display.ts'

/** What the stage needs of a cluster, whoever runs it. */
export interface StageCluster {
  readonly bootstrapServers: string
  stop(): Promise<void>
}

/** Two running clusters with the topic, and no records in it. */
export interface StageClusters {
  /** Which Kafka they are, for the verdict. */
  readonly text: string
  readonly source: StageCluster
  readonly target: StageCluster
}

/**
 * Starts both, or leaves nothing behind.
 * @throws {NotPlayed} where they cannot be had
 */
export type StartClusters = (world: {
  readonly stderr: Output
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
}) => Promise<StageClusters>

/** The demo did not come to its acts. The message says why, and what to do. */
export class NotPlayed extends Error {
  override readonly name = 'NotPlayed'
  readonly exitCode: number

  /** @param exitCode 3 if nothing was started, 1 if that failed: as the operator's contract has them */
  constructor(exitCode: 1 | 3, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

export const interrupted = (): NotPlayed =>
  new NotPlayed(1, 'interrupted before the applications began')

export const topic = 'orders'
export const partitions = 6
export const brokers = 3
export const brokersText = 'three brokers each'
/** `group.initial.rebalance.delay.ms` of the target, as brokers have it where nobody has changed it. */
export const initialRebalanceDelayMs = 3_000
/** Other node ids than those of the source, as any other cluster may have them. */
const targetNodeIdFirst = 101

/** Both in this process. */
export async function startEmbeddedClusters() {
  const topics = [{ name: topic, partitions }]
  const source = await startEmbeddedCluster({ brokers, topics })
  const target = await startEmbeddedCluster({
    brokers,
    topics,
    firstNodeId: targetNodeIdFirst,
    limits: { initialRebalanceDelayMs },
  })
  return { text: `both embedded in this process, ${brokersText}`, source, target }
}
