import { performance } from 'node:perf_hooks'
import type { ClusterName } from '../ids.ts'
import type { FetchPatcher, RequestFrame, ShiftLookup } from '../router/index.ts'

/**
 * How an answer travels.
 *
 * - `stream`   to the client in the chunks in which it arrives, unparsed
 * - `fetch`    the same, and its session id is read as it passes
 * - `moved`    the same, and offsets are translated as they pass
 * - `produce`  looked at when whole: it passes as it is unless a partition failed
 * - `collect`  gathered whole
 * - `made`     made here; `answer` holds it, or will
 */
export type AnswerKind = 'stream' | 'fetch' | 'moved' | 'produce' | 'collect' | 'made'

/** One request on its way, from when it was routed until the last byte of its answer is written. */
export class Exchange {
  readonly apiKey: number
  readonly version: number
  readonly correlationId: number
  readonly kind: AnswerKind
  /** `performance.now()` when it was routed. */
  readonly sentAt: number
  /** How long the broker may wait by itself, in ms. */
  waitMs = 0
  /**
   * The exchange whose turn this answer must await: itself, or the one that it is a part of. Null for
   * requests of our own, which no client waits for.
   */
  turn: Exchange | null = this
  /** Who is asked. */
  cluster: ClusterName = 'source'
  /** What translates a `moved` answer. */
  patcher: FetchPatcher | null = null
  /** Whether it was asked behind the splice; a Fetch from before it may bring what is no part of the topic. */
  spliced = false
  /** A Produce of which some partition was refused for now: the client sends it again. */
  unresolved = false
  /** Where a `produce` answer's offsets are noted, while a splice is near. */
  acked: Map<string, bigint> | null = null
  /** What translates the offsets of a `produce` answer. */
  shifts: ShiftLookup | null = null
  /** What rewriting needs of the request. */
  request: RequestFrame | null = null
  /** Who takes the gathered answer (without its length, valid only during the call): else the owner. */
  take: ((answer: Buffer) => void) | null = null
  /** The complete answer, once it is made here; written when its turn comes. */
  answer: Buffer | null = null

  constructor(
    apiKey: number,
    version: number,
    correlationId: number,
    kind: AnswerKind,
    sentAt = performance.now(),
  ) {
    this.apiKey = apiKey
    this.version = version
    this.correlationId = correlationId
    this.kind = kind
    this.sentAt = sentAt
  }
}
