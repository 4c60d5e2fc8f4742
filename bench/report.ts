import type { Goal } from './case.ts'
import { shown, type CaseResult } from './rounds.ts'
import { spreadOf, type Spread } from './statistics.ts'

export interface Line {
  readonly name: string
  readonly title: string
  readonly unit: string
  readonly goal: Goal
  readonly skipped: number
  /** The figure of each contender. */
  readonly figures: Readonly<Record<string, Spread>>
  /** What else was measured of each contender: medians. */
  readonly details: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** The figure that the goal is about over that of each other contender, round by round. */
  readonly ratios: Readonly<Record<string, Spread>>
  readonly verdict: 'reached' | 'short' | 'none'
}

/** @param sidecar the contender that the goals are about @param peer the one that ratios are to */
export function summarize(
  results: readonly CaseResult[],
  sidecar: string,
  peer: string,
): readonly Line[] {
  return results.map((result) => {
    const { name, title, unit, goal, compared = { of: sidecar, to: peer } } = result.case
    const names = [...new Set(result.rounds.flatMap((round) => [...round.keys()]))].sort()
    const samples = (of: string) => result.rounds.flatMap((round) => round.get(of) ?? [])
    const figures = spreads(names, (of) => samples(of).map((sample) => sample.figure))
    const ratios = spreads(
      names.filter((of) => of !== compared.of),
      (of) =>
        result.rounds.flatMap((round) => {
          const [mine, other] = [round.get(compared.of), round.get(of)]
          return mine === undefined || other === undefined ? [] : mine.figure / other.figure
        }),
    )
    const details = Object.fromEntries(
      names.map((of) => {
        const keys = Object.keys(samples(of)[0]?.details ?? {})
        const values = spreads(keys, (key) => samples(of).flatMap((s) => s.details[key] ?? []))
        return [of, Object.fromEntries(Object.entries(values).map(([k, v]) => [k, v.median]))]
      }),
    )
    const verdict = judge(goal, figures[compared.of], ratios[compared.to])
    return { name, title, unit, goal, skipped: result.skipped, figures, details, ratios, verdict }
  })
}

function spreads(
  names: readonly string[],
  values: (name: string) => readonly number[],
): Record<string, Spread> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const spread = spreadOf(values(name))
      return spread === undefined ? [] : [[name, spread]]
    }),
  )
}

function judge(goal: Goal, value: Spread | undefined, ratio: Spread | undefined): Line['verdict'] {
  const judged = goal.kind === 'ratio' ? ratio : value
  if (goal.kind === 'none' || judged === undefined) return 'none'
  return judged.median <= goal.max ? 'reached' : 'short'
}

const spreadText = ({ median, min, max }: Spread): string =>
  `${shown(median)} (${shown(min)}-${shown(max)})`

export function printReport(lines: readonly Line[], say: (line: string) => void): void {
  for (const line of lines) {
    say('')
    say(`${line.title} [${line.name}]`)
    for (const [of, spread] of Object.entries(line.figures)) {
      const details = Object.entries(line.details[of] ?? {}).map(([k, v]) => `${k} ${shown(v)}`)
      say(`  ${of.padEnd(14)} ${spreadText(spread)} ${line.unit}   ${details.join(', ')}`)
    }
    for (const [of, spread] of Object.entries(line.ratios)) {
      say(`  ratio to ${of.padEnd(14)} ${spreadText(spread)}`)
    }
    if (line.skipped > 0) say(`  ${line.skipped} rounds were too noisy and do not count`)
    say(`  ${verdictText(line)}`)
  }
  const short = lines.filter((line) => line.verdict === 'short')
  say('')
  if (short.length > 0) say(`short of the goal: ${short.map((line) => line.name).join(', ')}`)
  else say('no goal was missed')
}

function verdictText({ goal, unit, verdict }: Line): string {
  if (goal.kind === 'none') return 'no goal'
  const wanted = goal.kind === 'ratio' ? `a ratio of ${goal.max}` : `${goal.max} ${unit}`
  if (verdict === 'none') return `goal: at most ${wanted}; NOT MEASURED`
  return `goal: at most ${wanted}; ${verdict === 'reached' ? 'reached' : 'SHORT OF IT'}`
}
