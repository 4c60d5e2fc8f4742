import { assert } from '../assert.ts'

/** Versions from `min` to `max`, both included; `max` is Infinity for an open range such as `9+`. */
export interface VersionRange {
  readonly min: number
  readonly max: number
}

/** Contains no version. */
export const noVersions: VersionRange = { min: 0, max: -1 }

/** Reads Kafka's notation: `3`, `3+`, `3-7`, `none`. */
export function versionRange(text: string): VersionRange {
  if (text === 'none') return noVersions
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text)
  assert(match !== null, `not a version range: ${text}`)
  const min = Number(match[1])
  const max = match[2] === '+' ? Infinity : Number(match[3] ?? min)
  assert(min <= max, `version range ${text} ends before it starts`)
  return { min, max }
}

export const includes = (range: VersionRange, version: number): boolean =>
  version >= range.min && version <= range.max
