import type { Destination, RequestFrame } from '../router/index.ts'

/**
 * How an answer travels.
 *
 * - `stream`   to the client in the chunks in which it arrives, unparsed
 * - `fetch`    the same, and its session id is read as it passes
 * - `produce`  looked at when whole: it passes as it is unless a partition failed
 * - `collect`  gathered whole and given to `take`
 */
export type AnswerKind = 'stream' | 'fetch' | 'produce' | 'collect'

/** One request on its way, from the last byte that was read of it to the last that is written back. */
export interface Exchange {
  readonly apiKey: number
  readonly version: number
  readonly correlationId: number
  readonly kind: AnswerKind
  /** `performance.now()` when it was sent, and how long the broker may wait by itself, in ms. */
  readonly sentAt: number
  readonly waitMs: number
  readonly to: Destination | null
  /**
   * The exchange whose turn this answer must await: itself, or the one that it is a part of. Null for
   * requests of our own, which no client waits for.
   */
  readonly turn: Exchange | null
  /** What rewriting needs of the request. */
  readonly request: RequestFrame | null
  /** The whole answer, without its length; valid only during the call. */
  readonly take: ((answer: Buffer) => void) | null
  /** The complete answer, once it is made here; written when its turn comes. */
  answer: Buffer | null
}

/** Exchanges of one shape, so that the engine compiles the hot path once. */
export function exchange(
  fields: Pick<Exchange, 'apiKey' | 'version' | 'correlationId' | 'kind' | 'sentAt'> &
    Partial<Exchange>,
): Exchange & { turn: Exchange | null } {
  return {
    apiKey: fields.apiKey,
    version: fields.version,
    correlationId: fields.correlationId,
    kind: fields.kind,
    sentAt: fields.sentAt,
    waitMs: fields.waitMs ?? 0,
    to: fields.to ?? null,
    turn: fields.turn ?? null,
    request: fields.request ?? null,
    take: fields.take ?? null,
    answer: fields.answer ?? null,
  }
}
