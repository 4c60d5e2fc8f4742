import type { ClientName } from '../../clients/index.ts'
import type { ClusterOptions } from '../../kafka/index.ts'
import type { Stage } from './stage.ts'

/** Versions of source and target. */
export type Pair = readonly [string, string]

export const oldPair: Pair = ['1.1.1', '2.4.1']
export const middlePair: Pair = ['2.8.2', '3.2.3']
export const newPair: Pair = ['3.9.1', '4.3.1']
export const backwardPair: Pair = ['4.3.1', '2.8.2']
export const everyPair = [oldPair, middlePair, newPair, backwardPair] as const

/** A cutover with something particular about it, on real brokers and with unmodified clients. */
export interface NamedScenario {
  readonly name: string
  readonly pairs: readonly Pair[]
  readonly clients: readonly ClientName[]
  /** Uses up its clusters. */
  readonly fresh?: true
  /** What is particular about the source. */
  readonly source?: Partial<ClusterOptions>
  /** Says what it looks at to the stage; what it throws is a finding too. */
  readonly play: (stage: Stage) => Promise<void>
}
