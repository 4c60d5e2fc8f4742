import type { ClientName, Setup } from '../clients/index.ts'
import type { Cluster, ClusterOptions } from '../kafka/index.ts'

/** One experiment with a verdict. */
export interface Cell {
  /** `client librdkafka 3.9.1 rolling`: what `--only` is matched against. */
  readonly name: string
  /** Cells with equal clusters share one, and therefore run one after the other. */
  readonly cluster: ClusterOptions
  /** A second cluster, to cut over to. */
  readonly target?: ClusterOptions
  /** Finds clusters that no cell has touched, and leaves them unusable. */
  readonly fresh?: boolean
  readonly clients: readonly ClientName[]
  run(bench: Bench): Promise<Outcome>
}

/** What a cell finds when it begins. */
export interface Bench {
  readonly cluster: Cluster
  readonly target?: Cluster
  readonly clients: Setup
  /** Only the half without the sidecar, or without the cutover: to try the experiment itself. */
  readonly directOnly: boolean
  /** Unlike any other of this run, for topics and groups. */
  readonly unique: string
}

export interface Outcome {
  readonly verdict: 'pass' | 'fail' | 'skip'
  /** Why it did not pass, or was skipped. */
  readonly findings: readonly string[]
  readonly figures: Readonly<Record<string, number | string>>
}

export interface Result extends Outcome {
  readonly cell: string
  readonly at: string
  readonly durationMs: number
  readonly commit: string
  readonly node: string
}
