import type { Bench, Case, Sample } from './case.ts'
import { quiet, watchNoise } from './cores.ts'
import type { Subject, SubjectKind } from './subjects.ts'

/** A proxy that takes part: how to start it, and the one that runs throughout. */
export interface Contender {
  readonly kind: SubjectKind
  /** Undefined for one that takes part in cases with processes of their own only. */
  readonly subject: Subject | undefined
}

/** One round of one case: a sample for each contender by name, or none where the machine was noisy. */
export type Round = ReadonlyMap<string, Sample>

export interface CaseResult {
  readonly case: Case
  readonly rounds: readonly Round[]
  readonly skipped: number
}

export interface RoundOptions {
  readonly rounds: number
  /** What others may take of the machine, in cores. */
  readonly noiseMax: number
  /** How long a round may wait until the machine is as quiet as that. */
  readonly waitMs: number
  readonly say: (line: string) => void
}

const triesPerRound = 3

/**
 * Interleaved rounds: in each one, every contender does every case. Who begins changes from round to round,
 * and so does the direction, since the first of a case pays for what the one before left behind. A ratio is
 * only ever taken within a round.
 */
export async function runRounds(
  bench: Bench,
  cases: readonly Case[],
  contenders: readonly Contender[],
  options: RoundOptions,
): Promise<readonly CaseResult[]> {
  const results = cases.map((of) => ({ case: of, rounds: [] as Round[], skipped: 0 }))
  for (const { prepare } of cases) await prepare?.(bench)
  for (let number = 0; number < options.rounds; number++) {
    const order = orderOf(contenders, number)
    for (const result of results) {
      const round = await runRound(bench, result.case, order, options, number)
      if (round === undefined) result.skipped++
      else result.rounds.push(round)
    }
  }
  return results
}

/** Every contender has every place once in as many rounds as there are contenders. */
function orderOf(contenders: readonly Contender[], round: number): readonly Contender[] {
  const first = round % contenders.length
  const rotated = [...contenders.slice(first), ...contenders.slice(0, first)]
  return Math.floor(round / contenders.length) % 2 === 0 ? rotated : rotated.reverse()
}

async function runRound(
  bench: Bench,
  of: Case,
  order: readonly Contender[],
  { noiseMax, waitMs, say }: RoundOptions,
  number: number,
): Promise<Round | undefined> {
  const pids = [bench.broker.pid, ...order.flatMap(({ subject }) => subject?.pid ?? [])]
  for (let attempt = 1; attempt <= triesPerRound; attempt++) {
    const round = new Map<string, Sample>()
    if (waitMs > 0) await quiet(pids, noiseMax, waitMs)
    const noise = watchNoise(pids)
    for (const contender of order) {
      const sample = await measure(bench, of, contender)
      if (sample === undefined) continue
      round.set(contender.kind.name, sample)
      const details = Object.entries(sample.details).map(([k, v]) => `${k} ${shown(v)}`)
      const figure = `${shown(sample.figure)} ${of.unit}`
      const line = [of.name, contender.kind.name, figure, ...details].join(', ')
      say(`round ${number + 1}: ${line}`)
    }
    const busy = noise()
    const counts = busy <= noiseMax
    say(
      `round ${number + 1}: ${of.name}, others kept ${shown(busy)} cores busy` +
        (counts ? '' : `, more than --noise ${noiseMax}: it does not count`),
    )
    if (counts) return round
  }
  return undefined
}

async function measure(
  bench: Bench,
  of: Case,
  { kind, subject }: Contender,
): Promise<Sample | undefined> {
  if (!takesPart(kind, of)) return undefined
  if (of.kind === 'fresh') return of.measure(bench, kind)
  return subject === undefined ? undefined : of.measure(bench, subject)
}

/** Some contenders are for some cases, and some cases for some contenders. */
export const takesPart = (kind: SubjectKind, of: Case): boolean =>
  (kind.onlyIn?.includes(of.name) ?? true) &&
  (of.compared === undefined || kind.name === of.compared.of || kind.name === of.compared.to)

/** Three digits that count. */
export const shown = (value: number): string =>
  Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
