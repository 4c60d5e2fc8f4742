import { randomBytes, timingSafeEqual } from 'node:crypto'
import { assert } from '../assert.ts'
import { CutoverError } from '../errors.ts'
import {
  credentialsFlaw,
  decodeUtf8,
  saslTokenBytesMax,
  type Credentials,
  type SaslMechanism,
  type ScramMechanism,
} from './sasl.ts'
import * as scram from './scram.ts'

/** What to do with a broker's token: answer with another one, or go on, logged in. */
export type SaslClientStep =
  { readonly kind: 'send'; readonly token: Buffer } | { readonly kind: 'done' }

/**
 * The client half of one login, without I/O: send `first()`, then give every token of the broker to
 * `next` until it is `done`. A rejected `next` is final.
 *
 *     PLAIN   first: authzid NUL user NUL password  -> anything: done
 *     SCRAM   first: client-first  -> server-first: send client-final  -> server-final: done
 */
export interface SaslClient {
  readonly mechanism: SaslMechanism
  first(): Buffer
  next(challenge: Buffer): Promise<SaslClientStep>
}

const refuse = (message: string): CutoverError => new CutoverError('auth_upstream', message)

/**
 * @param nonce for tests; otherwise 192 random bits
 * @throws CutoverError `auth_upstream` where the credentials cannot be sent at all
 */
export function saslClient(
  mechanism: SaslMechanism,
  credentials: Credentials,
  nonce?: string,
): SaslClient {
  const flaw = credentialsFlaw(credentials)
  if (flaw !== undefined) throw refuse(`${mechanism} login impossible: ${flaw}`)
  if (mechanism === 'PLAIN') return plainClient(credentials)
  return scramClient(mechanism, credentials, nonce ?? randomBytes(24).toString('base64'))
}

/** RFC 4616. What a broker says with its acceptance has no meaning; Kafka says nothing. */
function plainClient({ username, password }: Credentials): SaslClient {
  return {
    mechanism: 'PLAIN',
    first: () => Buffer.from(`\0${username}\0${password}`),
    next: () => Promise.resolve({ kind: 'done' }),
  }
}

type ScramState =
  | { readonly kind: 'initial' }
  | { readonly kind: 'awaits server-first' }
  | { readonly kind: 'awaits server-final'; readonly serverSignature: Buffer }
  | { readonly kind: 'over' }

/** RFC 5802 §3. `initial -> awaits server-first -> awaits server-final -> over`. */
function scramClient(
  mechanism: ScramMechanism,
  credentials: Credentials,
  nonce: string,
): SaslClient {
  assert(scram.isNonce(nonce), 'the client nonce is not printable ASCII')
  const clientFirstBare = `n=${scram.encodeName(credentials.username)},r=${nonce}`
  let state: ScramState = { kind: 'initial' }

  async function answerFirst(message: string): Promise<SaslClientStep> {
    const { serverNonce, salt, iterations } = parseServerFirst(mechanism, message, nonce)
    const keys = await rememberedKeys(mechanism, credentials, salt, iterations)
    const withoutProof = `c=biws,r=${serverNonce}`
    const authMessage = `${clientFirstBare},${message},${withoutProof}`
    const proof = scram.xor(keys.clientKey, scram.sign(mechanism, keys.storedKey, authMessage))
    const serverSignature = scram.sign(mechanism, keys.serverKey, authMessage)
    state = { kind: 'awaits server-final', serverSignature }
    const token = Buffer.from(`${withoutProof},p=${proof.toString('base64')}`)
    return { kind: 'send', token }
  }

  function verifyFinal(message: string, serverSignature: Buffer): SaslClientStep {
    const error = scram.attributes(message, ['e'])
    if (error !== undefined)
      throw refuse(
        `${mechanism}: the cluster refused user ${quote(credentials.username)}: ${quote(error[0])}`,
      )
    const signature = scram.decodeBase64(scram.attributes(message, ['v'])?.[0] ?? '')
    if (signature === undefined) throw malformed(mechanism, 'server-final', message)
    if (signature.length !== serverSignature.length || !timingSafeEqual(signature, serverSignature))
      throw refuse(
        `${mechanism}: the server's signature is wrong: it does not know the password of user ` +
          `${quote(credentials.username)}; it may not be the broker that it claims to be: check the ` +
          'address, and use TLS',
      )
    return { kind: 'done' }
  }

  return {
    mechanism,
    first() {
      assert(state.kind === 'initial', 'first() is called once')
      state = { kind: 'awaits server-first' }
      return Buffer.from(`n,,${clientFirstBare}`)
    },
    async next(challenge) {
      const current = state
      // Whatever fails from here on is final: no second challenge is answered with the same nonce.
      state = { kind: 'over' }
      assert(
        current.kind === 'awaits server-first' || current.kind === 'awaits server-final',
        `a challenge while the login is ${current.kind}`,
      )
      const message = challenge.length > saslTokenBytesMax ? undefined : decodeUtf8(challenge)
      if (message === undefined)
        throw refuse(
          `${mechanism}: the server sent ${challenge.length} bytes that are no SCRAM message ` +
            `(UTF-8, at most ${saslTokenBytesMax} bytes)`,
        )
      return current.kind === 'awaits server-first'
        ? await answerFirst(message)
        : verifyFinal(message, current.serverSignature)
    },
  }
}

function parseServerFirst(mechanism: ScramMechanism, message: string, nonce: string) {
  if (message.startsWith('m='))
    throw refuse(
      `${mechanism}: the server demands an extension that we do not know: ${quote(message)}`,
    )
  const values = scram.attributes(message, ['r', 's', 'i'])
  const salt = scram.decodeBase64(values?.[1] ?? '')
  if (values === undefined || salt === undefined || !/^[1-9][0-9]{0,9}$/.test(values[2]))
    throw malformed(mechanism, 'server-first', message)
  const serverNonce = values[0]
  if (!serverNonce.startsWith(nonce) || serverNonce === nonce || !scram.isNonce(serverNonce))
    throw refuse(
      `${mechanism}: the server's nonce does not extend ours: the exchange may be a replay`,
    )
  const iterations = Number(values[2])
  if (iterations < scram.iterationsMin)
    throw refuse(
      `${mechanism}: the server asks for ${iterations} iterations, at least ${scram.iterationsMin} are ` +
        'required: a lowered count makes the password cheap to guess; store the credential anew with more',
    )
  if (iterations > scram.iterationsMax)
    throw refuse(
      `${mechanism}: the server asks for ${iterations} iterations, at most ${scram.iterationsMax} are ` +
        'computed: store the credential anew with fewer',
    )
  return { serverNonce, salt, iterations }
}

const malformed = (mechanism: SaslMechanism, what: string, message: string): CutoverError =>
  refuse(`${mechanism}: malformed ${what} message ${quote(message)}`)

/** Foreign text for a message: short, and without control characters. */
const quote = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text)

/** An identity has one salt per mechanism and cluster, and a new one when its password is stored anew. */
const rememberedMax = 8
const remembered = new WeakMap<Credentials, Map<string, Promise<scram.ScramKeys>>>()

/**
 * The keys of an identity. Every client connection logs in upstream anew; the thousands of rounds are
 * paid once, also by connections that come at the same time.
 */
function rememberedKeys(
  mechanism: ScramMechanism,
  credentials: Credentials,
  salt: Buffer,
  iterations: number,
): Promise<scram.ScramKeys> {
  const known = remembered.get(credentials) ?? new Map<string, Promise<scram.ScramKeys>>()
  remembered.set(credentials, known)
  const key = `${mechanism} ${iterations} ${salt.toString('base64')}`
  let keys = known.get(key)
  if (keys === undefined) {
    const [oldest] = known.keys()
    if (known.size >= rememberedMax && oldest !== undefined) known.delete(oldest)
    keys = scram.deriveKeys(mechanism, credentials.password, salt, iterations)
    known.set(key, keys)
    keys.catch(() => known.delete(key))
  }
  return keys
}
