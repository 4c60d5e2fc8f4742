import { CutoverError } from '../errors.ts'
import {
  apis,
  decodeRequest,
  encodeResponse,
  errorCodes,
  type RequestHeader,
} from '../protocol/index.ts'
import {
  isSaslMechanism,
  refusalText,
  saslServer,
  type LocalUsers,
  type SaslServer,
} from '../security/index.ts'

/**
 * SaslHandshake (versions 0-1) and SaslAuthenticate (0-2) of one connection. Before the login nothing
 * but these and ApiVersions is answered: the connection is closed. Handshake v1 is followed by
 * SaslAuthenticate requests, v0 by bare tokens, each with its length before it.
 *
 *     open -> handshaken -> logged in        (without users: logged in from the start)
 *
 * Not handled: session lifetimes and logging in again (KIP-368).
 */
type State =
  | { readonly kind: 'open' }
  | { readonly kind: 'handshaken'; readonly server: SaslServer; readonly bareTokens: boolean }
  | { readonly kind: 'logged-in'; readonly username: string | undefined }

export interface LoginStep {
  readonly answer: Buffer | undefined
  /** The login failed: the connection is closed after the answer. */
  readonly isOver: boolean
}

const lengthBytes = 4

export class Login {
  readonly #users: LocalUsers | undefined
  #state: State

  constructor(users: LocalUsers | undefined) {
    this.#users = users
    this.#state =
      users === undefined ? { kind: 'logged-in', username: undefined } : { kind: 'open' }
  }

  get isDone(): boolean {
    return this.#state.kind === 'logged-in'
  }

  /** The next frame is a token, not a request. */
  get awaitsBareToken(): boolean {
    return this.#state.kind === 'handshaken' && this.#state.bareTokens
  }

  handshake(frame: Buffer, header: RequestHeader): LoginStep {
    const { apiVersion, bodyOffset, correlationId } = header
    const { mechanism } = decodeRequest(apis.saslHandshake, apiVersion, frame, bodyOffset)
    const offered = this.#users?.mechanisms ?? []
    const isOffered = isSaslMechanism(mechanism) && offered.includes(mechanism)
    const answer = (errorCode: number) =>
      encodeResponse(apis.saslHandshake, apiVersion, correlationId, {
        errorCode,
        mechanisms: offered,
      })
    if (this.#users === undefined || this.#state.kind !== 'open')
      return { answer: answer(errorCodes.ILLEGAL_SASL_STATE), isOver: true }
    if (!isOffered) return { answer: answer(errorCodes.UNSUPPORTED_SASL_MECHANISM), isOver: true }
    const server = saslServer(mechanism, this.#users)
    this.#state = { kind: 'handshaken', server, bareTokens: apiVersion === 0 }
    return { answer: answer(errorCodes.NONE), isOver: false }
  }

  authenticate(frame: Buffer, header: RequestHeader): LoginStep {
    const { apiVersion, bodyOffset, correlationId } = header
    const { authBytes } = decodeRequest(apis.saslAuthenticate, apiVersion, frame, bodyOffset)
    const answer = (errorCode: number, errorMessage: string | null, token: Buffer) =>
      encodeResponse(apis.saslAuthenticate, apiVersion, correlationId, {
        errorCode,
        errorMessage,
        authBytes: token,
      })
    const nothing = Buffer.alloc(0)
    if (this.#state.kind !== 'handshaken')
      return { answer: answer(errorCodes.ILLEGAL_SASL_STATE, null, nothing), isOver: true }
    const { mechanism } = this.#state.server
    const token = this.#next(this.#state.server, authBytes)
    if (token !== undefined) return { answer: answer(errorCodes.NONE, null, token), isOver: false }
    const refused = answer(errorCodes.SASL_AUTHENTICATION_FAILED, refusalText(mechanism), nothing)
    return { answer: refused, isOver: true }
  }

  bareToken(frame: Buffer): LoginStep {
    if (this.#state.kind !== 'handshaken') return { answer: undefined, isOver: true }
    const token = this.#next(this.#state.server, frame)
    if (token === undefined) return { answer: undefined, isOver: true }
    const answer = Buffer.alloc(lengthBytes + token.length)
    answer.writeInt32BE(token.length)
    token.copy(answer, lengthBytes)
    return { answer, isOver: false }
  }

  #next(server: SaslServer, token: Buffer): Buffer | undefined {
    try {
      const step = server.next(token)
      if (step.kind === 'done') this.#state = { kind: 'logged-in', username: step.username }
      return step.token
    } catch (error) {
      if (error instanceof CutoverError) return undefined
      throw error
    }
  }
}
