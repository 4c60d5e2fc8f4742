/** The SASL mechanisms that the sidecar speaks, on either side. The order is that of the handshake. */
export const saslMechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
export type SaslMechanism = (typeof saslMechanisms)[number]
export type ScramMechanism = Exclude<SaslMechanism, 'PLAIN'>

export function isSaslMechanism(name: string): name is SaslMechanism {
  return (saslMechanisms as readonly string[]).includes(name)
}

/**
 * A user and a password. Treat it as one identity: what SCRAM derives from a password is remembered
 * for as long as this object lives, so pass the same object for every connection of one identity.
 */
export interface Credentials {
  readonly username: string
  readonly password: string
}

/** The largest SASL token we parse, either way. A PLAIN password may be a token of some kilobytes. */
export const saslTokenBytesMax = 16 * 1024

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The token as text, or undefined where it is not UTF-8. Encoding it again gives the same bytes. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/**
 * What makes credentials unusable in every mechanism, as the end of a sentence, or undefined.
 * Beyond this nothing is prepared: see `scram.ts` for why SASLprep is not applied.
 */
export function credentialsFlaw({ username, password }: Credentials): string | undefined {
  for (const [what, value] of [
    ['username', username],
    ['password', password],
  ] as const) {
    if (value === '') return `the ${what} is empty`
    if (value.includes('\0')) return `the ${what} contains a NUL character`
    // A lone half of a surrogate pair has no UTF-8 form: it would be sent as U+FFFD, silently.
    if (/\p{Surrogate}/u.test(value)) return `the ${what} is not valid Unicode (a lone surrogate)`
    const bytes = Buffer.byteLength(value)
    if (bytes > credentialBytesMax)
      return `the ${what} has ${bytes} bytes, allowed are ${credentialBytesMax}`
  }
  return undefined
}

/** Half of a token less a kilobyte, so that every legal pair fits into one PLAIN token. */
export const credentialBytesMax = saslTokenBytesMax / 2 - 1024
