import { median } from '../statistics.ts'
import type { Progress, RunFigures } from './run.ts'

const ackGapMaxMs = 1_000
/** The share of the cutovers that must keep it: 49 of 50. */
const ackGapShare = 0.98
/** `heartbeat.interval.ms` of the Java client, and two seconds. */
const readGapMaxMs = 3_000 + 2_000

const longest = (values: readonly number[]): number => Math.max(...values)
const wrong = (of: RunFigures): number =>
  of.lost + of.repeated + of.skipped + of.misplaced + of.errors

interface Column {
  readonly title: string
  readonly of: (figures: RunFigures) => number | null
}

const columns: readonly Column[] = [
  { title: 'ack gap', of: ({ ack }) => ack.anyMs },
  { title: 'of a partition', of: ({ ack }) => longest(ack.partitionMs) },
  { title: 'read gap', of: ({ read }) => read.anyMs },
  { title: 'of a partition', of: ({ read }) => longest(read.partitionMs) },
  { title: 'rebalances', of: ({ rebalances }) => longest(rebalances) },
  { title: 'fence', of: ({ fenceMs }) => fenceMs },
  { title: 'to target', of: ({ targetMs }) => targetMs },
  { title: 'wrong', of: wrong },
]

const row = (name: string, cells: readonly (number | null)[]): string =>
  [
    name.padEnd(12),
    ...cells.map((cell, i) =>
      (cell === null ? '-' : String(Math.round(cell))).padStart(columns[i]?.title.length ?? 0),
    ),
  ].join('  ')

export const header = (): string => [''.padEnd(12), ...columns.map(({ title }) => title)].join('  ')

export const runRow = (name: string, figures: RunFigures): string =>
  row(
    name,
    columns.map(({ of }) => of(figures)),
  )

/** Median and worst of the runs. */
export function summaryRows(name: string, runs: readonly RunFigures[]): string[] {
  const values = columns.map(({ of }) => runs.flatMap((figures) => of(figures) ?? []))
  const cells = (pick: (of: readonly number[]) => number) =>
    values.map((of) => (of.length === 0 ? null : pick(of)))
  return [row(`${name} median`, cells(median)), row(`${name} worst`, cells(longest))]
}

/** The goals of a cutover without a backlog, each with what was reached. */
export function goalLines(runs: readonly RunFigures[], failed: number): string[] {
  const all = runs.length + failed
  const goal = (title: string, keeps: (figures: RunFigures) => boolean, share = 1) => {
    const count = runs.filter(keeps).length
    const needed = Math.floor(all * share)
    return `${title}: ${count} of ${all} runs, ${count >= needed ? 'reached' : 'SHORT OF IT'}`
  }
  return [
    goal(
      `ack gap below ${ackGapMaxMs} ms in 49 of 50`,
      ({ ack }) => longest(ack.partitionMs) < ackGapMaxMs,
      ackGapShare,
    ),
    goal(
      `read gap of every partition below ${readGapMaxMs} ms`,
      ({ read }) => longest(read.partitionMs) < readGapMaxMs,
    ),
    goal('one rebalance of each member', ({ rebalances }) => rebalances.every((n) => n === 1)),
    goal('nothing lost, repeated, out of order or refused', (figures) => wrong(figures) === 0),
  ]
}

const progressLines = 12

/** A drain as the status told it, thinned out. */
export function drainLines(progress: readonly Progress[]): string[] {
  const step = Math.max(1, Math.ceil(progress.length / progressLines))
  return progress
    .filter((_, i) => i % step === 0 || i === progress.length - 1)
    .map(
      ({ atMs, state, remaining, ratePerSecond, etaSeconds }) =>
        `  ${String(atMs).padStart(6)} ms  ${state.padEnd(9)} remaining ${remaining ?? '-'}, ${ratePerSecond ?? '-'}/s, ETA ${etaSeconds ?? '-'} s`,
    )
}
