/** Runs the schema over what file and flags say, and turns every issue into a complaint with a path. */
import type { $ZodIssue } from 'zod/v4/core'
import { nearest, shape, type Complaint } from './errors.ts'
import { knownKeys } from './keys.ts'
import { fileSchema, splitList, type FileShape } from './schema.ts'
import type { Path } from './yaml.ts'

export interface Finding extends Complaint {
  readonly path: Path
}

export interface Checked {
  /** What is left when everything wrong is taken away, so that the rules can still be judged. */
  readonly shape: FileShape
  readonly findings: readonly Finding[]
}

export type Mapping = Record<string, unknown>

export function checkShape(raw: unknown): Checked {
  const first = fileSchema.safeParse(raw)
  if (first.success) return { shape: first.data, findings: [] }
  const findings = first.error.issues.flatMap((issue) => findingsOf(issue, raw))
  const rest: Mapping = isMapping(raw) ? structuredClone(raw) : {}
  for (const { path } of findings) removeAt(rest, path)
  const second = fileSchema.safeParse(rest)
  return { shape: second.success ? second.data : {}, findings }
}

function findingsOf(issue: $ZodIssue, raw: unknown): Finding[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(path)
      return issue.keys.map((key) => {
        const near = nearest(key, known)
        return {
          path: [...path, key],
          given: 'an unknown key',
          allowed: known.join(', '),
          remedy: near === undefined ? 'remove it' : `did you mean ${near}?`,
        }
      })
    }
    case 'custom':
      return [{ path, ...complaintOf(issue.params) }]
    default: {
      const list = issue.code === 'invalid_type' && issue.expected === 'array'
      return [
        {
          path,
          // Only its shape: somebody may have written a whole section as one text, secret included.
          given: shape(valueAt(raw, path)),
          allowed: list ? 'a list' : `a mapping of ${knownKeys(path).join(', ')}`,
          remedy: list
            ? 'write one "- item" per line'
            : 'write one "key: value" per line, indented',
        },
      ]
    }
  }
}

function complaintOf(params: Mapping | undefined): Complaint {
  return {
    given: String(params?.['given']),
    allowed: String(params?.['allowed']),
    remedy: String(params?.['remedy']),
  }
}

export function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function valueAt(raw: unknown, path: Path): unknown {
  let value = raw
  for (const step of path) {
    if (Array.isArray(value) && typeof step === 'number') value = value[step] as unknown
    else value = isMapping(value) ? value[step] : undefined
  }
  return value
}

/** Takes away the value at the path; in a list a gap stays, so that no index changes its meaning. */
function removeAt(raw: unknown, path: Path): void {
  const [step, ...rest] = path
  if (Array.isArray(raw) && typeof step === 'number') {
    if (rest.length === 0 || !isMapping(raw[step])) raw[step] = undefined
    else removeAt(raw[step], rest)
  } else if (isMapping(raw) && step !== undefined) {
    const child = raw[step]
    const items = typeof child === 'string' && typeof rest[0] === 'number'
    if (items) raw[step] = splitList(child)
    if (rest.length === 0 || (!items && !isMapping(child) && !Array.isArray(child)))
      delete raw[step]
    else removeAt(raw[step], rest)
  }
}
