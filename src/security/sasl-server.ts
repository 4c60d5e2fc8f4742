import { randomBytes, timingSafeEqual } from 'node:crypto'
import { assert } from '../assert.ts'
import { CutoverError } from '../errors.ts'
import type { LocalUsers, ScramVerifier } from './local-users.ts'
import {
  credentialsFlaw,
  decodeUtf8,
  saslTokenBytesMax,
  type Credentials,
  type SaslMechanism,
  type ScramMechanism,
} from './sasl.ts'
import * as scram from './scram.ts'

/** The token that answers an application; with `done` it is logged in as `username`. */
export type SaslServerStep =
  | { readonly kind: 'send'; readonly token: Buffer }
  | { readonly kind: 'done'; readonly token: Buffer; readonly username: string }

/**
 * The server half of one login, without I/O: give every token of the application to `next`. What it
 * throws (CutoverError `auth_downstream`) is final. A message never tells an unknown user from a
 * wrong password and holds no secret; what goes back to the application is `refusalText`.
 *
 *     PLAIN   token: done
 *     SCRAM   client-first: send server-first  -> client-final: done (with server-final)
 */
export interface SaslServer {
  readonly mechanism: SaslMechanism
  next(token: Buffer): SaslServerStep
}

/** What an application is told, in the words of a broker: its client knows them as final. */
export function refusalText(mechanism: SaslMechanism): string {
  return `Authentication failed during authentication due to invalid credentials with SASL mechanism ${mechanism}`
}

const refuse = (message: string): CutoverError => new CutoverError('auth_downstream', message)

/** @param nonce our part of SCRAM's nonce, for tests; otherwise 192 random bits */
export function saslServer(
  mechanism: SaslMechanism,
  users: LocalUsers,
  nonce: string = randomBytes(24).toString('base64'),
): SaslServer {
  assert(users.mechanisms.includes(mechanism), `${mechanism} is not offered`)
  return mechanism === 'PLAIN' ? plainServer(users) : scramServer(mechanism, users, nonce)
}

export interface PlainToken extends Credentials {
  /** As whom to act; empty for the user itself. */
  readonly authzid: string
}

/**
 * Reads a PLAIN token (RFC 4616): authzid NUL username NUL password.
 * @throws CutoverError `auth_downstream`
 */
export function parsePlain(token: Buffer): PlainToken {
  if (token.length > saslTokenBytesMax)
    throw refuse(`PLAIN: a token of ${token.length} bytes, allowed are ${saslTokenBytesMax}`)
  const text = decodeUtf8(token)
  if (text === undefined) throw refuse('PLAIN: the token is not UTF-8')
  const [authzid, username, password, ...more] = text.split('\0')
  if (authzid === undefined || username === undefined || password === undefined || more.length > 0)
    throw refuse(
      `PLAIN: the token has ${text.split('\0').length} parts instead of 3 (authzid, username, password)`,
    )
  const flaw = credentialsFlaw({ username, password })
  if (flaw !== undefined) throw refuse(`PLAIN: ${flaw}`)
  return { authzid, username, password }
}

function plainServer(users: LocalUsers): SaslServer {
  let over = false
  return {
    mechanism: 'PLAIN',
    next(token) {
      if (over) throw tokenAfterEnd('PLAIN')
      over = true
      const plain = parsePlain(token)
      refuseOtherIdentity('PLAIN', plain.authzid, plain.username)
      if (!users.verifyPlain(plain)) throw unknownOrWrong('PLAIN', plain.username)
      return { kind: 'done', token: Buffer.alloc(0), username: plain.username }
    },
  }
}

/** What is kept of the first two messages until the proof arrives. */
interface ScramExchange {
  readonly kind: 'awaits client-final'
  readonly username: string
  readonly verifier: ScramVerifier
  /** base64 of the header with which the client began: it must repeat it under its proof. */
  readonly binding: string
  readonly nonce: string
  readonly firstMessages: string
}

type ScramState =
  { readonly kind: 'awaits client-first' } | ScramExchange | { readonly kind: 'over' }

/** `awaits client-first -> awaits client-final -> over`. */
function scramServer(mechanism: ScramMechanism, users: LocalUsers, ownNonce: string): SaslServer {
  let state: ScramState = { kind: 'awaits client-first' }

  function answerFirst(message: string): SaslServerStep {
    const { header, bare, username, clientNonce } = parseClientFirst(mechanism, message)
    const verifier = users.scramVerifier(mechanism, username)
    const nonce = clientNonce + ownNonce
    const first = `r=${nonce},s=${verifier.salt.toString('base64')},i=${verifier.iterations}`
    const binding = Buffer.from(header).toString('base64')
    const firstMessages = `${bare},${first}`
    state = { kind: 'awaits client-final', username, verifier, binding, nonce, firstMessages }
    return { kind: 'send', token: Buffer.from(first) }
  }

  function verifyFinal(
    message: string,
    { username, verifier, binding, nonce, firstMessages }: ScramExchange,
  ): SaslServerStep {
    const end = message.lastIndexOf(',p=')
    const withoutProof = message.slice(0, Math.max(end, 0))
    const values = scram.attributes(withoutProof, ['c', 'r'])
    const proof = scram.decodeBase64(message.slice(end + 3))
    if (values === undefined || proof === undefined || proof.length !== verifier.storedKey.length)
      throw refuse(`${mechanism}: malformed client-final message`)
    if (values[0] !== binding)
      throw refuse(`${mechanism}: the client-final message does not repeat its first header`)
    if (values[1] !== nonce)
      throw refuse(`${mechanism}: the client-final message has another nonce than the exchange`)
    const authMessage = `${firstMessages},${withoutProof}`
    const clientKey = scram.xor(proof, scram.sign(mechanism, verifier.storedKey, authMessage))
    const serverSignature = scram.sign(mechanism, verifier.serverKey, authMessage)
    const proven = timingSafeEqual(scram.digest(mechanism, clientKey), verifier.storedKey)
    if (!proven || !verifier.known) throw unknownOrWrong(mechanism, username)
    const token = Buffer.from(`v=${serverSignature.toString('base64')}`)
    return { kind: 'done', token, username }
  }

  return {
    mechanism,
    next(token) {
      const current = state
      state = { kind: 'over' }
      if (current.kind === 'over') throw tokenAfterEnd(mechanism)
      const message = token.length > saslTokenBytesMax ? undefined : decodeUtf8(token)
      if (message === undefined)
        throw refuse(
          `${mechanism}: the client sent ${token.length} bytes that are no SCRAM message ` +
            `(UTF-8, at most ${saslTokenBytesMax} bytes)`,
        )
      return current.kind === 'awaits client-first'
        ? answerFirst(message)
        : verifyFinal(message, current)
    },
  }
}

/** `n,,n=user,r=nonce`: a header (flag, authzid) and what is signed later. */
function parseClientFirst(mechanism: ScramMechanism, message: string) {
  const parts = /^(([nyp])[^,]*,([^,]*),)(.*)$/s.exec(message)
  const [, header, flag, authzidPart, bare] = parts ?? []
  const malformed = refuse(`${mechanism}: malformed client-first message`)
  if (header === undefined || authzidPart === undefined || bare === undefined) throw malformed
  if (flag === 'p')
    throw refuse(`${mechanism}: the client demands channel binding, which Kafka lacks`)
  if (bare.startsWith('m='))
    throw refuse(`${mechanism}: the client demands an extension that we do not know`)
  const values = scram.attributes(bare, ['n', 'r'])
  const username = scram.decodeName(values?.[0] ?? '')
  const clientNonce = values?.[1]
  if (username === undefined || username === '' || clientNonce === undefined) throw malformed
  if (!scram.isNonce(clientNonce)) throw malformed
  if (authzidPart !== '' && !authzidPart.startsWith('a=')) throw malformed
  const authzid = scram.decodeName(authzidPart.slice(2))
  if (authzid === undefined) throw malformed
  if (/,tokenauth=true(?:,|$)/.test(bare))
    throw refuse(`${mechanism}: delegation tokens belong to one cluster; log in with a user`)
  refuseOtherIdentity(mechanism, authzid, username)
  return { header, bare, username, clientNonce }
}

/** Kafka's rule, too: nobody acts for somebody else. */
function refuseOtherIdentity(mechanism: SaslMechanism, authzid: string, username: string): void {
  if (authzid !== '' && authzid !== username)
    throw refuse(
      `${mechanism}: ${quote(username)} may not act as ${quote(authzid)}; leave it empty`,
    )
}

const unknownOrWrong = (mechanism: SaslMechanism, username: string): CutoverError =>
  refuse(`${mechanism}: no user ${quote(username)}, or not its password`)

const tokenAfterEnd = (mechanism: SaslMechanism): CutoverError =>
  refuse(`${mechanism}: a token after the end of the login`)

/** Foreign text for a message: short, and without control characters. */
const quote = (text: string): string =>
  JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text)
