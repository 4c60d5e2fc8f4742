import type { Complaint } from './errors.ts'
import type { SecretPlace } from './leaf.ts'

export type Resolved =
  { readonly value: string; readonly complaint?: never } | { readonly complaint: Complaint }

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** @throws what `fs.readFileSync` throws */
  readonly readFile: (path: string) => string
  /** Makes a path absolute, from where it was written. */
  readonly absolute: (path: string) => string
}

/** Fetches a secret. A file's last line break does not belong to it. */
export function resolveSecret(place: SecretPlace, surroundings: Surroundings): Resolved {
  if (place.kind === 'env') {
    const value = surroundings.env[place.name]
    if (value !== undefined && value !== '') return { value }
    return {
      complaint: {
        given: `{ env: ${place.name} }, which is ${value === undefined ? 'not set' : 'empty'}`,
        allowed: 'the name of a set environment variable',
        remedy: `set ${place.name} in the environment of the sidecar`,
      },
    }
  }
  const path = surroundings.absolute(place.path)
  try {
    const value = surroundings.readFile(path).replace(/\r?\n$/, '')
    if (value !== '') return { value }
    return { complaint: fileComplaint(path, 'is empty') }
  } catch (error) {
    return { complaint: fileComplaint(path, `cannot be read (${reason(error)})`) }
  }
}

const fileComplaint = (path: string, what: string): Complaint => ({
  given: `{ file: ${path} }, which ${what}`,
  allowed: 'the path of a readable file',
  remedy: 'check the path and that the user of the sidecar may read it',
})

/** `ENOENT` and the like: the code alone, since a message may quote contents. */
export function reason(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return error instanceof Error ? error.name : 'unknown'
}
