/** One thing that is wrong with the configuration. Never carries the value of a secret. */
export interface ConfigError {
  /** The path in the file (`source.bootstrapServers[1]`), or the flag (`--source`). */
  readonly at: string
  readonly file: string | null
  readonly line: number | null
  readonly given: string
  readonly allowed: string
  readonly remedy: string
  /** All of it in one line: where, what was given, what is allowed, what to do. */
  readonly text: string
}

/** What a check says about a value; where it stood is added by the caller. */
export interface Complaint {
  readonly given: string
  readonly allowed: string
  readonly remedy: string
}

export function configError(error: Omit<ConfigError, 'text'>): ConfigError {
  const { file, line, at, given, allowed, remedy } = error
  const position = file === null ? '' : `${file}:${line ?? 1}: `
  return {
    ...error,
    text: `${position}${at}: got ${given}; allowed: ${allowed}; remedy: ${remedy}`,
  }
}

const textMax = 80

/** Shows a value in a message: scalars as they are, the rest by its shape only. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (typeof value === 'string') {
    const text = withoutUserInfo(value)
    return JSON.stringify(text.length > textMax ? `${text.slice(0, textMax)}...` : text)
  }
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  return shape(value)
}

/** Says only what kind of thing a value is. */
export function shape(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (typeof value === 'object') return 'a mapping'
  return `a ${typeof value}`
}

/** An URL may carry `user:password@`. */
function withoutUserInfo(text: string): string {
  return text.replace(/(^|\/\/|,)[^/,@]*:[^/,@]*@/g, '$1***@')
}

/** The known word nearest to a mistyped one, or none if nothing is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const letters = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '')
  const begins = (a: string, b: string): boolean => a.length >= 3 && b.startsWith(a)
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const candidate of known) {
    const [a, b] = [letters(word), letters(candidate)]
    // `warning` for `warn`, `bootstrap` for `bootstrapServers`.
    const distance = begins(a, b) || begins(b, a) ? 1 : editDistance(a, b)
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein, with one row. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
