import type { Entry } from '../../router/index.ts'

/**
 * Where the decisions of a migration are kept: what is appended is there after any crash, in its order.
 * What the entries mean, and whether one is valid, is the state machine's to say (`router/migration`).
 */
export interface Journal {
  /** Everything that is durable, oldest first. The array grows. */
  readonly entries: readonly Entry[]
  /**
   * Durable when it resolves. When it rejects, `CutoverError` `journal_failed`, the entry is not in
   * `entries`. Entries are appended in the order of the calls.
   */
  append(entry: Entry): Promise<void>
  /** Waits for what is being appended. */
  close(): Promise<void>
}
