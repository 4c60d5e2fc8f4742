import { CutoverError } from '../errors.ts'
import { apiByKey, apis, DecodeError, decodeRequestHeader } from '../protocol/index.ts'
import type { Decision, NamingAnswer, RequestFrame } from '../router/index.ts'
import type { Answers } from './answers.ts'
import type { SessionContext } from './context.ts'
import { Exchange } from './exchange.ts'
import { joinWaitMs, type JoinOwner } from './membership.ts'
import type { Upstream } from './upstream.ts'
import type { WaitingOwner } from './waiting.ts'

/** The parts of a session that its requests act on. */
export interface RequestsOwner extends JoinOwner, WaitingOwner {
  readonly context: SessionContext
  readonly answers: Answers
  /** Takes no more requests, lets those in flight finish, then closes. */
  drain(): void
  /** Every part of a split has answered; `gather` merges them. */
  merged(of: Exchange, gather: () => Buffer): void
  /** The same, where `gather` makes what clients see already. */
  translated(of: Exchange, gather: () => NamingAnswer): void
}

/** What became of the frame at hand. */
export type Outcome =
  /** It was dealt with here. */
  | 'done'
  /** It needs more bytes, or facts that are being fetched: it is presented again. */
  | 'wait'
  /** It goes to this broker as it is, in the chunks in which it comes. */
  | Upstream

/** What can become of any request; those of one kind come to it when they have been looked at. */
export interface Routing {
  /** Routes a whole request but a login, without its length. */
  other(frame: Buffer): Outcome
  /** Does what the router decided. */
  decided(request: RequestFrame, decision: Decision): Outcome
  /** An answer that is made here; it leaves when those before it have. */
  answer(apiKey: number, version: number, correlationId: number, answer: Buffer): 'done'
  /** The answer to what goes there is awaited, in its turn. */
  expect(upstream: Upstream, sent: Exchange): void
  malformed(what: string): 'wait'
}

/** A whole request, without its length; undefined if its API is not known. */
export function requestFrame(frame: Buffer): RequestFrame | undefined {
  const { apiKey, apiVersion: version, ...header } = decodeRequestHeader(frame, 0)
  const api = apiByKey(apiKey)
  return api === undefined ? undefined : { api, version, ...header, frame }
}

/** What is awaited of brokers for a request; of one that is collected, the request is kept. */
export function exchangeFor(request: RequestFrame, kind: 'collect' | 'stream'): Exchange {
  const { api, version, correlationId, frame } = request
  const made = new Exchange(api.key, version, correlationId, kind)
  const rebalances = api.key === apis.joinGroup.key || api.key === apis.syncGroup.key
  if (rebalances) made.waitMs = joinWaitMs
  if (kind === 'collect') made.request = { ...request, frame: Buffer.from(frame) }
  return made
}

export function unreadable(error: unknown, what: string): CutoverError {
  if (!(error instanceof DecodeError)) throw error
  return new CutoverError(
    'frame_invalid',
    `an application sent a ${what} that cannot be read: ${error.message}`,
  )
}
