import type { ClusterName } from '../ids.ts'
import type { Api, Fields } from '../protocol/index.ts'
import {
  decodeRequest,
  decodeResponse,
  decodeResponseHeader,
  encodeRequest,
  encodeResponse,
  type Decoded,
  type Encodable,
} from '../protocol/index.ts'
import type { NamingAnswer } from './rewriters/rewriter.ts'
import type { Destination } from './table.ts'

/** A request frame as the session sees it: without its length, whole. */
export interface RequestFrame {
  readonly api: Api
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly frame: Buffer
  readonly bodyOffset: number
}

/** What a request asks for. Bytes that do not decode throw `DecodeError`. */
export const bodyOf = <Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  { version, frame, bodyOffset }: RequestFrame,
): Decoded<Q> => decodeRequest(api, version, frame, bodyOffset)

export type CoordinatorKind = 'group' | 'transaction'

/** What a decision needs and nobody knows yet; the session asks a broker, then decides again. */
export type Question =
  | {
      readonly kind: 'coordinator'
      readonly of: CoordinatorKind
      readonly keys: readonly string[]
      /** Whose coordinator; without it, that of the cluster where the group or transaction lives. */
      readonly cluster?: ClusterName
    }
  | {
      readonly kind: 'leaders'
      /** By the names of the cluster that is asked. */
      readonly topics: readonly string[]
      /** Without it, the source. */
      readonly cluster?: ClusterName
    }

/** One part of a request that concerns several brokers. */
export interface Part {
  /** `anyOf(cluster)` for any broker of that cluster. */
  readonly to: Destination | 'any'
  /** Complete, with its length. */
  readonly frame: Buffer
}

/** Where a request goes. */
export type Decision =
  /** As it is, to one broker; the answer streams back as it is. */
  | { readonly kind: 'forward'; readonly to: Destination | 'any' | 'home' }
  /** In parts; `merge` makes one answer frame (with its length) of theirs (without). */
  | {
      readonly kind: 'split'
      readonly parts: readonly Part[]
      readonly merge: (answers: readonly Buffer[]) => Buffer
    }
  /** The same, and the answer is what clients see already, whichever clusters it came from. */
  | {
      readonly kind: 'translate'
      readonly parts: readonly Part[]
      readonly merge: (answers: readonly Buffer[]) => NamingAnswer
    }
  /** By the sidecar itself; the frame is complete, with its length. */
  | { readonly kind: 'answer'; readonly frame: Buffer }
  | { readonly kind: 'ask'; readonly question: Question }

/**
 * Knows coordinators by group or transactional id: in the cluster where it lives now, unless a cluster is
 * named.
 */
export type CoordinatorLookup = (
  of: CoordinatorKind,
  key: string,
  cluster?: ClusterName,
) => Destination | undefined

/** A split of one API: its types meet here, and nobody else sees them. */
export function split<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  request: RequestFrame,
  bodies: ReadonlyMap<Destination | 'any', Encodable<Q>>,
  merge: (answers: readonly Decoded<S>[]) => Encodable<S>,
): Decision {
  const { version, correlationId, clientId } = request
  return {
    kind: 'split',
    parts: [...bodies].map(([to, body]) => ({
      to,
      frame: encodeRequest(api, version, { correlationId, clientId }, body),
    })),
    merge: (answers) =>
      encodeResponse(
        api,
        version,
        correlationId,
        merge(
          answers.map((frame) => {
            const { bodyOffset } = decodeResponseHeader(api, version, frame, 0)
            return decodeResponse(api, version, frame, bodyOffset)
          }),
        ),
      ),
  }
}

/** The most that any broker has throttled; 0 where nobody was asked. */
export const throttle = (answers: readonly { readonly throttleTimeMs: number }[]): number =>
  Math.max(0, ...answers.map((answer) => answer.throttleTimeMs))
