import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { CutoverError } from '../errors.ts'
import {
  credentialsFlaw,
  saslMechanisms,
  type Credentials,
  type SaslMechanism,
  type ScramMechanism,
} from './sasl.ts'
import { deriveKeys, iterationsMin, scramHashes } from './scram.ts'

/** What the server half of SCRAM knows of a user. For an unknown one: the same, made up. */
export interface ScramVerifier {
  readonly known: boolean
  readonly salt: Buffer
  readonly iterations: number
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** The users that may log in to the sidecar. */
export interface LocalUsers {
  /** What is offered in the handshake, in the order of preference. */
  readonly mechanisms: readonly SaslMechanism[]
  verifyPlain(credentials: Credentials): boolean
  scramVerifier(mechanism: ScramMechanism, username: string): ScramVerifier
}

/** More users belong into a cluster, whose credentials can be passed through. */
export const localUsersMax = 1000

/**
 * Derives what is needed to verify the users' passwords; the passwords themselves are not kept.
 * This happens once, at the start, so that no login costs thousands of rounds here: not that of a
 * known user, not that of a made-up one, and neither can be told from the other by its time.
 *
 * @throws CutoverError `auth_downstream` where a user could never log in
 */
export async function localUsers(
  users: readonly Credentials[],
  mechanisms: readonly SaslMechanism[] = saslMechanisms,
): Promise<LocalUsers> {
  const secret = randomBytes(32)
  const mac = (text: string) => createHmac('sha512', secret).update(text).digest()
  refuseUnusable(users)

  const plain = new Map(users.map(({ username, password }) => [username, mac(`p ${password}`)]))
  const verifiers = new Map<string, ScramVerifier>()
  await Promise.all(
    mechanisms
      .filter((mechanism) => mechanism !== 'PLAIN')
      .flatMap((mechanism) =>
        users.map(async ({ username, password }) => {
          const salt = mac(`s ${mechanism} ${username}`).subarray(0, 16)
          const keys = await deriveKeys(mechanism, password, salt, iterationsMin)
          const { storedKey, serverKey } = keys
          const verifier = { known: true, salt, iterations: iterationsMin, storedKey, serverKey }
          verifiers.set(`${mechanism} ${username}`, verifier)
        }),
      ),
  )
  // Nobody's password: a MAC of it would have to be guessed.
  const nobody = randomBytes(64)

  return {
    mechanisms,
    verifyPlain({ username, password }) {
      const expected = plain.get(username)
      const equal = timingSafeEqual(mac(`p ${password}`), expected ?? nobody)
      return equal && expected !== undefined
    },
    scramVerifier(mechanism, username) {
      // The salt of an unknown user must stay the same from login to login, as a real one does.
      const salt = mac(`s ${mechanism} ${username}`).subarray(0, 16)
      const key = nobody.subarray(0, scramHashes[mechanism].bytes)
      const madeUp = {
        known: false,
        salt,
        iterations: iterationsMin,
        storedKey: key,
        serverKey: key,
      }
      return verifiers.get(`${mechanism} ${username}`) ?? madeUp
    },
  }
}

function refuseUnusable(users: readonly Credentials[]): void {
  const refuse = (message: string) => new CutoverError('auth_downstream', message)
  if (users.length > localUsersMax)
    throw refuse(`${users.length} local users are configured, allowed are ${localUsersMax}`)
  const seen = new Set<string>()
  for (const user of users) {
    const name = JSON.stringify(user.username)
    const flaw = credentialsFlaw(user)
    if (flaw !== undefined) throw refuse(`local user ${name} cannot log in: ${flaw}`)
    if (seen.has(user.username)) throw refuse(`local user ${name} is configured twice`)
    seen.add(user.username)
  }
}
