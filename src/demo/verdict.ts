import type { Books, GroupBooks } from './ledger.ts'

/** How the cutover ended. */
export interface Outcome {
  /** The last phase that the sidecar told of. */
  readonly phase: string
  /** From the flip to phase `target`; null if it was not reached. */
  readonly cutoverMs: number | null
  /** How long producing was held; null where the sidecar did not say. */
  readonly fenceMs: number | null
  /** How long the applications went on without the source. */
  readonly withoutSourceMs: number
}

const bad = ({ lost, outOfOrder, repeated, strange }: GroupBooks): number =>
  lost + outOfOrder + repeated + strange

/** The cutover is done, nothing of what must not happen did, and the demo was no empty one. */
export const isClean = (books: Books, outcome: Outcome): boolean =>
  judge(books, outcome) === 'clean'

function judge({ sent, errors, groups }: Books, { cutoverMs }: Outcome): string {
  const isGood = groups.every((group) => group.received >= sent && bad(group) === 0)
  if (sent === 0 || errors > 0 || !isGood) return 'NOT CLEAN'
  return cutoverMs === null ? 'unfinished' : 'clean'
}

/** @param clusters which Kafka they are */
export function verdictLines(books: Books, outcome: Outcome, clusters: string): string[] {
  const { sent, errors, pause, groups } = books
  const sum = (of: (group: GroupBooks) => number) =>
    groups.reduce((total, group) => total + of(group), 0)
  const most = (of: (group: GroupBooks) => number) => Math.max(...groups.map(of))
  return [
    `clusters        ${clusters}`,
    outcomeLine(outcome),
    `longest pause   producing ${pause.cutoverMs} ms (before the cutover ${pause.beforeMs} ms), ` +
      `consuming ${most((group) => group.pause.cutoverMs)} ms (before ${most((group) => group.pause.beforeMs)} ms)`,
    ...extraLines(books),
    `verdict: ${judge(books, outcome)}: sent ${sent}, ` +
      groups.map(({ group, received }) => `received by ${group} ${received}`).join(', ') +
      `, lost ${sum((group) => group.lost)}, out of order ${sum((group) => group.outOfOrder)}, ` +
      `repeated ${sum((group) => group.repeated)}${errors === 0 ? '' : `, sends failed ${errors}`}`,
  ]
}

function outcomeLine({ phase, cutoverMs, fenceMs, withoutSourceMs }: Outcome): string {
  if (cutoverMs === null) return `cutover         not done: phase ${phase}`
  const held = fenceMs === null ? '' : `, producing held for ${Math.round(fenceMs)} ms`
  const without =
    withoutSourceMs === 0 ? '' : `, then ${seconds(withoutSourceMs)} without the source`
  return `cutover         phase ${phase} after ${seconds(cutoverMs)}${held}${without}`
}

/** What is worth saying only if it happened. */
function extraLines({ groups }: Books): string[] {
  return groups.flatMap(({ group, reread, strange }) => [
    ...(reread === 0
      ? []
      : [
          `${group}: kafkajs itself read ${reread} again from its committed offset after a rebalance`,
        ]),
    ...(strange === 0 ? [] : [`${group}: got ${strange} records that nobody here has written`]),
  ])
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
