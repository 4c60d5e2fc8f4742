import { CutoverError } from '../errors.ts'
import { apis, decodeRequest, encodeResponse, errorCodes } from '../protocol/index.ts'
import type { RequestFrame } from '../router/index.ts'
import {
  isSaslMechanism,
  parsePlain,
  refusalText,
  saslServer,
  type LocalUsers,
  type SaslMechanism,
  type SaslServer,
} from '../security/index.ts'
import type { Identity } from './upstream-login.ts'
import { LoginRefused } from './upstream-login.ts'

/** How applications prove who they are. */
export interface LoginPolicy {
  /** The sidecar's own users; null: PLAIN credentials are for the cluster to judge. */
  readonly users: LocalUsers | null
  /** Resolves if the cluster accepts the credentials; rejects with the broker's reason. */
  readonly verify: (identity: NonNullable<Identity>) => Promise<void>
}

/** What to send, and whether the connection must close behind it. */
export interface LoginAnswer {
  readonly answer: Buffer
  readonly close: boolean
  /** Why it was refused, for the log. */
  readonly failure?: CutoverError
}

/**
 * One client's login. Before it only ApiVersions and this are legal where local users are configured.
 *
 *     out --SaslHandshake--> chosen --SaslAuthenticate ...--> in
 *     in  --SaslHandshake--> chosen                                  (renewal, KIP-368)
 *
 * After SaslHandshake v0 the tokens come raw, without Kafka's header (before KIP-152).
 */
export class SessionLogin {
  readonly #policy: LoginPolicy
  #state: 'out' | 'chosen' | 'in' = 'out'
  #mechanism: SaslMechanism = 'PLAIN'
  #server: SaslServer | undefined
  #raw = false
  #username: string | undefined
  /** As whom the session speaks upstream, where the cluster judges. */
  identity: Identity = null

  constructor(policy: LoginPolicy) {
    this.#policy = policy
  }

  /** Whether requests other than a login are served now. */
  get allowed(): boolean {
    return this.#state === 'in' || (this.#state === 'out' && this.#policy.users === null)
  }

  /** Whether the next frame is a bare token. */
  get expectsToken(): boolean {
    return this.#raw && this.#state === 'chosen'
  }

  handshake(request: RequestFrame): LoginAnswer {
    const api = apis.saslHandshake
    const { mechanism } = decodeRequest(api, request.version, request.frame, request.bodyOffset)
    const mechanisms = this.#policy.users?.mechanisms ?? (['PLAIN'] as const)
    const answer = (errorCode: number): Buffer =>
      encodeResponse(api, request.version, request.correlationId, { errorCode, mechanisms })
    if (!isSaslMechanism(mechanism) || !mechanisms.includes(mechanism)) {
      return {
        answer: answer(errorCodes.UNSUPPORTED_SASL_MECHANISM),
        close: true,
        failure: new CutoverError(
          'auth_downstream',
          `the application wants to log in by ${JSON.stringify(mechanism.slice(0, 32))}; offered here: ${mechanisms.join(', ')}`,
        ),
      }
    }
    this.#mechanism = mechanism
    this.#raw = request.version === 0
    this.#server =
      this.#policy.users === null ? undefined : saslServer(mechanism, this.#policy.users)
    this.#state = 'chosen'
    return { answer: answer(0), close: false }
  }

  async authenticate(request: RequestFrame): Promise<LoginAnswer> {
    const api = apis.saslAuthenticate
    const { version, correlationId } = request
    if (this.#state !== 'chosen') {
      const errorMessage = 'SaslAuthenticate without SaslHandshake'
      const errorCode = errorCodes.ILLEGAL_SASL_STATE
      return {
        answer: encodeResponse(api, version, correlationId, {
          errorCode,
          errorMessage,
          authBytes: Buffer.alloc(0),
        }),
        close: true,
        failure: new CutoverError('auth_downstream', errorMessage),
      }
    }
    const { authBytes } = decodeRequest(api, version, request.frame, request.bodyOffset)
    try {
      const token = await this.#step(authBytes)
      return {
        answer: encodeResponse(api, version, correlationId, {
          errorCode: 0,
          errorMessage: null,
          authBytes: token,
        }),
        close: false,
      }
    } catch (error) {
      const failure = refusal(error)
      // A client takes a refusal for final. That nobody could judge is not one: it tries again.
      const isRefused = failure.kind === 'auth_downstream' || failure.kind === 'auth_upstream'
      if (!isRefused) return { answer: Buffer.alloc(0), close: true, failure }
      return {
        answer: encodeResponse(api, version, correlationId, {
          errorCode: errorCodes.SASL_AUTHENTICATION_FAILED,
          errorMessage:
            failure instanceof LoginRefused ? failure.brokerSays : refusalText(this.#mechanism),
          authBytes: Buffer.alloc(0),
        }),
        close: true,
        failure,
      }
    }
  }

  /** A bare token; a refusal has no form, the connection is closed. */
  async token(token: Buffer): Promise<LoginAnswer> {
    try {
      const answer = await this.#step(token)
      const frame = Buffer.alloc(4 + answer.length)
      frame.writeInt32BE(answer.length)
      answer.copy(frame, 4)
      return { answer: frame, close: false }
    } catch (error) {
      return { answer: Buffer.alloc(0), close: true, failure: refusal(error) }
    }
  }

  async #step(token: Buffer): Promise<Buffer> {
    if (this.#server !== undefined) {
      const step = this.#server.next(token)
      if (step.kind === 'done') this.#enter(step.username)
      return step.token
    }
    const { username, password } = parsePlain(token)
    const identity = { mechanism: 'PLAIN', username, password } as const
    await this.#policy.verify(identity)
    this.#enter(username)
    this.identity = identity
    return Buffer.alloc(0)
  }

  #enter(username: string): void {
    if (this.#username !== undefined && this.#username !== username) {
      throw new CutoverError(
        'auth_downstream',
        'an application may not change its user on a connection that is logged in',
      )
    }
    this.#username = username
    this.#state = 'in'
  }
}

/** The world's refusals; a bug of ours is thrown on. */
function refusal(error: unknown): CutoverError {
  if (error instanceof CutoverError) return error
  throw error
}
