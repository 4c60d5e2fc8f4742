import type { Broker } from './broker.ts'
import type { Cores } from './cores.ts'
import type { Subject, SubjectKind } from './subjects.ts'

/** What a case needs of the bench. */
export interface Bench {
  readonly broker: Broker
  readonly cores: Cores | undefined
  /** What one bulk measurement moves, in bytes of record values. */
  readonly bulkBytes: number
  /** Differs between any two measurements: for the names of topics and groups. */
  readonly unique: () => string
}

export interface Sample {
  /** What the goal is about. */
  readonly figure: number
  /** What helps to judge the figure, by name with unit. */
  readonly details: Readonly<Record<string, number>>
}

export type Goal =
  | { readonly kind: 'ratio'; readonly max: number }
  | { readonly kind: 'value'; readonly max: number }
  | { readonly kind: 'none' }

interface CaseBase {
  readonly name: string
  readonly title: string
  /** Of the figure. */
  readonly unit: string
  readonly goal: Goal
  /** Whose figure the goal is about, and whose it is compared to: they alone take part. Else the sidecar and its peer. */
  readonly compared?: { readonly of: string; readonly to: string }
  /** Runs once before the first round. */
  readonly prepare?: (bench: Bench) => Promise<void>
}

export type Case = CaseBase &
  (
    | {
        /** Measures a proxy that has run since the start of the bench. */
        readonly kind: 'running'
        readonly measure: (bench: Bench, subject: Subject) => Promise<Sample>
      }
    | {
        /** Starts processes of its own. */
        readonly kind: 'fresh'
        readonly measure: (bench: Bench, kind: SubjectKind) => Promise<Sample>
      }
  )

/** Bytes in a GB: costs are per 10^9 bytes of record values. */
export const gigabyte = 1e9
