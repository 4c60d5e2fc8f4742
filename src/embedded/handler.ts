import {
  decodeRequest,
  encodeResponse,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
  type RequestHeader,
  type VersionRange,
} from '../protocol/index.ts'
import type { Call, closeConnection, noAnswer } from './shared.ts'

export type Outcome<S extends Fields> = Encodable<S> | typeof closeConnection | typeof noAnswer
export type EncodedOutcome = Buffer | typeof closeConnection | typeof noAnswer

/** How brokers answer one API; the types of its messages stay inside. */
export interface Handler {
  readonly api: Api
  readonly versions: VersionRange
  answer(frame: Buffer, header: RequestHeader, call: Call): Promise<EncodedOutcome>
}

/** @param max the latest version handled; the first is `min` */
export function handler<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  versions: VersionRange,
  handle: (request: Decoded<Q>, call: Call) => Outcome<S> | Promise<Outcome<S>>,
): Handler {
  return {
    api,
    versions,
    async answer(frame, header, call) {
      const { apiVersion, bodyOffset, correlationId } = header
      const request = decodeRequest(api, apiVersion, frame, bodyOffset)
      const outcome = await handle(request, call)
      if (typeof outcome === 'symbol') return outcome
      return encodeResponse(api, apiVersion, correlationId, outcome)
    },
  }
}
