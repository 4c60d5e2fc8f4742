/** The versions of one API that somebody knows, both inclusive. */
export interface VersionRange {
  readonly min: number
  readonly max: number
}

/** API key => versions. */
export type VersionRanges = ReadonlyMap<number, VersionRange>

/** What everybody knows. Nobody asked yet => nothing is known. */
export function intersect(everybody: readonly VersionRanges[]): VersionRanges {
  const [first, ...others] = everybody
  const common = new Map<number, VersionRange>()
  for (const [key, range] of first ?? []) {
    let { min, max } = range
    for (const other of others) {
      const its = other.get(key)
      min = Math.max(min, its?.min ?? Infinity)
      max = Math.min(max, its?.max ?? -1)
    }
    if (min <= max) common.set(key, { min, max })
  }
  return common
}
