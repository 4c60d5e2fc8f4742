/**
 * How fast a group drains: an exponentially weighted mean over samples that may come at any interval. What
 * was seen before the first is not counted as standing still: the mean is divided by the weight that was
 * given away so far, as Adam does it (Kingma and Ba, 2015). Groups commit every few seconds, so that the
 * first samples see nothing, and then much.
 */
export interface Rate {
  readonly remaining: bigint
  readonly atMs: number
  /** Null until two samples were seen. */
  readonly perSecond: number | null
  /** How much of a whole mean was seen: from 0 to 1. */
  readonly weight: number
}

/** After this time, half of the mean is what was seen since. */
const halfLifeMs = 5_000
/** Below it a group stands still: an ETA would be a guess. In records per second. */
const rateMin = 0.01

export function sampled(before: Rate | undefined, remaining: bigint, nowMs: number): Rate {
  if (before === undefined || nowMs <= before.atMs) {
    const { perSecond = null, weight = 0 } = before ?? {}
    return { remaining, atMs: nowMs, perSecond, weight }
  }
  const elapsedMs = nowMs - before.atMs
  // A group that went back (a reset of its offsets) drains at no rate, not at a negative one.
  const seen = Math.max(0, (Number(before.remaining - remaining) / elapsedMs) * 1000)
  const kept = 0.5 ** (elapsedMs / halfLifeMs)
  const weight = kept * before.weight + (1 - kept)
  const mean = before.perSecond ?? 0
  return { remaining, atMs: nowMs, perSecond: mean + ((1 - kept) / weight) * (seen - mean), weight }
}

/** Null while it is not known, or nothing moves. */
export function etaSeconds({ remaining, perSecond }: Rate): number | null {
  if (remaining <= 0n) return 0
  return perSecond === null || perSecond < rateMin ? null : Number(remaining) / perSecond
}
