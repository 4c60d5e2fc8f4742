import { CutoverError } from '../errors.ts'
import type { ClusterName } from '../ids.ts'
import { apiName, apis, DecodeError } from '../protocol/index.ts'
import { rewriters, type ClusterFact, type RequestFrame } from '../router/index.ts'
import type { SessionContext } from './context.ts'
import type { Exchange } from './exchange.ts'

/** What becomes of a rewritten answer. */
export interface Rewritten {
  done(of: Exchange, answer: Buffer): void
  fail(error: CutoverError): void
  readonly broke: (error: unknown) => void
}

/**
 * Rewrites a gathered answer: what it tells of its cluster is learned, every broker that it names gets a
 * virtual one, and then it is encoded with their addresses.
 *
 * @param gather gives the answer's frame, without its length; it may throw `DecodeError`
 */
export function rewrite(
  of: Exchange,
  gather: () => Buffer,
  context: SessionContext,
  then: Rewritten,
): void {
  const request = of.request ?? unparsedProduce(of)
  try {
    const frame = gather()
    const rewriter = rewriters.get(of.apiKey)
    if (rewriter === undefined) return then.done(of, withLength(frame))
    const naming = rewriter(request, frame)
    learn(naming.facts, of.cluster, context)
    const encode = (): void => then.done(of, naming.encode(context.table()))
    const { slotOf } = context.table()
    if (naming.nodeIds.every((id) => slotOf.has(id))) return encode()
    context.settled(naming.nodeIds).then(encode).catch(then.broke)
  } catch (error) {
    then.fail(unreadableAnswer(error, of))
  }
}

/** Bytes that do not decode are the broker's fault; any other error is a bug of ours and thrown on. */
export function unreadableAnswer(error: unknown, of: Exchange): CutoverError {
  if (!(error instanceof DecodeError)) throw error
  return new CutoverError(
    'upstream_invalid',
    `a broker answered ${apiName(of.apiKey)} v${of.version} with bytes that cannot be read: ${error.message}`,
  )
}

/** Passes on what clusters tell of themselves. */
export function learn(
  facts: readonly ClusterFact[],
  answerer: ClusterName,
  context: SessionContext,
): void {
  for (const fact of facts) context.cluster(fact.cluster ?? answerer).learn(fact)
}

/** A Produce is passed on unparsed; its rewriter needs no more than this of it. */
function unparsedProduce(of: Exchange): RequestFrame {
  return {
    api: apis.produce,
    version: of.version,
    correlationId: of.correlationId,
    clientId: null,
    frame: Buffer.alloc(0),
    bodyOffset: 0,
  }
}

function withLength(frame: Buffer): Buffer {
  const answer = Buffer.allocUnsafe(frame.length + 4)
  answer.writeInt32BE(frame.length)
  frame.copy(answer, 4)
  return answer
}
