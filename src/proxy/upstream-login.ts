import { CutoverError } from '../errors.ts'
import { apis, errorName } from '../protocol/index.ts'
import { saslClient, type Credentials, type SaslMechanism } from '../security/index.ts'
import type { Upstream } from './upstream.ts'

/** As whom a connection logs in to a cluster; null where it does not. */
export type Identity = (Credentials & { readonly mechanism: SaslMechanism }) | null

/** When to renew a login: this share of the session's lifetime, as Kafka's own client does (KIP-368). */
const renewAfter = 0.85
const roundTripsMax = 8

/** The broker said no; an application whose credentials they were is told in the broker's words. */
export class LoginRefused extends CutoverError {
  readonly brokerSays: string

  constructor(brokerSays: string, what: string) {
    super('auth_upstream', `${what}: ${brokerSays}`)
    this.brokerSays = brokerSays
  }
}

/**
 * Logs in: SaslHandshake v1, then SaslAuthenticate until the mechanism is done. The same on a connection
 * that is in use renews the login; no other request may be sent until it resolves.
 */
export async function logIn(upstream: Upstream, identity: NonNullable<Identity>): Promise<void> {
  const { mechanism } = identity
  const handshake = await upstream.request(apis.saslHandshake, 1, { mechanism })
  if (handshake.errorCode !== 0) {
    throw new CutoverError(
      'auth_upstream',
      `${upstream.peer} does not offer ${mechanism}, only ${handshake.mechanisms.join(', ') || 'nothing'} (${errorName(handshake.errorCode)}): change the mechanism of this cluster's sasl`,
    )
  }
  const client = saslClient(mechanism, identity)
  let authBytes = client.first()
  for (let i = 0; i < roundTripsMax; i++) {
    const answer = await upstream.request(apis.saslAuthenticate, 1, { authBytes })
    if (answer.errorCode !== 0) {
      throw new LoginRefused(
        answer.errorMessage ?? errorName(answer.errorCode),
        `${upstream.peer} refused user ${identity.username}`,
      )
    }
    const step = await client.next(answer.authBytes)
    if (step.kind === 'done') {
      const lifetimeMs = Number(answer.sessionLifetimeMs)
      upstream.renewLoginAt =
        lifetimeMs > 0 ? performance.now() + lifetimeMs * renewAfter : Infinity
      return
    }
    authBytes = step.token
  }
  throw new CutoverError('auth_upstream', `${upstream.peer} did not finish the login`)
}
