import * as z from 'zod'
import { nearest, shape, shown, type Complaint } from './errors.ts'

/**
 * A value of the file that is not taken apart further. `parse` returns `undefined` for what it refuses;
 * then the two texts go into the error.
 */
export interface LeafSpec<T> {
  readonly allowed: string
  readonly remedy: string | ((given: unknown) => string)
  /** The given value is never shown. */
  readonly secret?: boolean
  readonly parse: (value: unknown) => T | undefined
}

export function leaf<T>(spec: LeafSpec<T>) {
  return z
    .unknown()
    .transform((value, context): T => {
      const parsed = value === undefined ? undefined : spec.parse(value)
      if (parsed !== undefined) return parsed
      const complaint: Complaint = {
        given: spec.secret ? hidden(value) : shown(value),
        allowed: spec.allowed,
        remedy: typeof spec.remedy === 'string' ? spec.remedy : spec.remedy(value),
      }
      context.issues.push({ code: 'custom', input: value, params: { ...complaint } })
      return z.NEVER
    })
    .optional()
}

/** A secret is never shown, not even where it should not be. */
const hidden = (value: unknown): string =>
  typeof value === 'string' || typeof value === 'number'
    ? `${shape(value)} in clear (not shown)`
    : shape(value)

export const text = (what: string, accept: (value: string) => boolean, remedy: string) =>
  leaf({
    allowed: what,
    remedy,
    parse: (value) => (typeof value === 'string' && accept(value) ? value : undefined),
  })

export const flag = () =>
  leaf({
    allowed: 'true or false',
    remedy: 'write true or false, without quotes',
    parse: (value) => (typeof value === 'boolean' ? value : undefined),
  })

export const choice = <const T extends string>(words: readonly T[]) =>
  leaf({
    allowed: words.join(', '),
    remedy: (given) => {
      const near = typeof given === 'string' ? nearest(given, words) : undefined
      return near === undefined ? 'write one of them' : `did you mean ${near}?`
    },
    parse: (value) => words.find((word) => word === value),
  })

/** A whole number, a duration or a size within bounds. */
export const bounded = (spec: {
  readonly min: number
  readonly max: number
  readonly format: (value: number) => string
  readonly parse: (value: unknown) => number | undefined
  readonly example: string
}) =>
  leaf({
    allowed: `${spec.format(spec.min)} to ${spec.format(spec.max)}`,
    remedy: `write it like ${spec.example}`,
    parse: (value) => {
      const parsed = spec.parse(value)
      return parsed !== undefined && parsed >= spec.min && parsed <= spec.max ? parsed : undefined
    },
  })

/** Where a secret is to be found. */
export type SecretPlace =
  { readonly kind: 'env'; readonly name: string } | { readonly kind: 'file'; readonly path: string }

export const secret = () =>
  leaf<SecretPlace>({
    allowed: '{ env: NAME } or { file: PATH }',
    remedy: 'put the secret into an environment variable or a file, and name that here',
    secret: true,
    parse: secretPlace,
  })

/** A PEM file; a path may be written without the mapping. */
export const pem = () =>
  leaf<SecretPlace>({
    allowed: 'the path of a PEM file, { file: PATH } or { env: NAME }',
    remedy: 'put the PEM text into a file and name that here',
    secret: true,
    parse: (value) => {
      if (typeof value !== 'string') return secretPlace(value)
      const isPath = value.length > 0 && !value.includes('\n') && !value.includes('-----BEGIN')
      return isPath ? { kind: 'file', path: value } : undefined
    },
  })

function secretPlace(value: unknown): SecretPlace | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const entries: [string, unknown][] = Object.entries(value)
  const [entry] = entries
  if (entry === undefined || entries.length !== 1) return undefined
  const [kind, name] = entry
  if (typeof name !== 'string' || name.length === 0) return undefined
  if (kind === 'env') return { kind, name }
  if (kind === 'file') return { kind, path: name }
  return undefined
}
