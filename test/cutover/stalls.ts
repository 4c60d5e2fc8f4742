/** How long producers wait that no sidecar stands before: what brokers, and the machine, take of everybody. */
import type { ClientEvent } from '../clients/index.ts'

/** Such a producer waited `ms` longer than its records are apart, until `t` (ms since 1970). */
export interface Stall {
  readonly t: number
  readonly ms: number
}

/** @param intervalMs how far apart its records are produced */
export function stallsOf(events: readonly ClientEvent[], intervalMs: number): readonly Stall[] {
  const times = events.filter((e) => e.event === 'acked').map((e) => e.t)
  return times.slice(1).flatMap((t, i) => {
    const ms = t - (times[i] ?? t) - intervalMs
    return ms > 0 ? [{ t, ms }] : []
  })
}

/** The longest of the stalls, as far as they lie in this time, in ms. Times are ms since 1970. */
export function stalledWithin(stalls: readonly Stall[], from: number, to: number): number {
  const within = stalls.map(({ t, ms }) => Math.min(t, to) - Math.max(t - ms, from))
  return Math.max(0, ...within)
}
