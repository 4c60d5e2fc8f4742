/** How fast a group drains: an exponentially weighted mean over samples that may come at any interval. */
export interface Rate {
  readonly remaining: bigint
  readonly atMs: number
  /** Null until two samples were seen. */
  readonly perSecond: number | null
}

/** After this time, half of the mean is what was seen since. */
const halfLifeMs = 5_000
/** Below it a group stands still: an ETA would be a guess. In records per second. */
const rateMin = 0.01

export function sampled(before: Rate | undefined, remaining: bigint, nowMs: number): Rate {
  if (before === undefined || nowMs <= before.atMs) {
    return { remaining, atMs: nowMs, perSecond: before?.perSecond ?? null }
  }
  const elapsedMs = nowMs - before.atMs
  // A group that went back (a reset of its offsets) drains at no rate, not at a negative one.
  const seen = Math.max(0, (Number(before.remaining - remaining) / elapsedMs) * 1000)
  const kept = before.perSecond === null ? 0 : 0.5 ** (elapsedMs / halfLifeMs)
  return {
    remaining,
    atMs: nowMs,
    perSecond: kept * (before.perSecond ?? 0) + (1 - kept) * seen,
  }
}

/** Null while it is not known, or nothing moves. */
export function etaSeconds({ remaining, perSecond }: Rate): number | null {
  if (remaining <= 0n) return 0
  return perSecond === null || perSecond < rateMin ? null : Number(remaining) / perSecond
}
