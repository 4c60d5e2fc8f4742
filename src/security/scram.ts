import { createHash, createHmac, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { assert } from '../assert.ts'
import type { ScramMechanism } from './sasl.ts'

/**
 * What both halves of SCRAM share (RFC 5802; RFC 7677 for SHA-256): attributes, names, keys.
 *
 * Passwords are used as their plain UTF-8 bytes. RFC 5802 asks for SASLprep, but Kafka does not do
 * it: its `ScramFormatter.normalize` is `getBytes(UTF_8)`, in the tool that stores a credential, in
 * the broker and in its client (seen on 3.9.1, see the golden exchange with U+00AA). To normalise
 * here would lock out exactly the users whose password SASLprep changes.
 *
 * Not covered: channel binding (Kafka has none), delegation tokens (`tokenauth`), `m=` extensions.
 */
export const scramHashes = {
  'SCRAM-SHA-256': { hash: 'sha256', bytes: 32 },
  'SCRAM-SHA-512': { hash: 'sha512', bytes: 64 },
} as const satisfies Record<ScramMechanism, { hash: string; bytes: number }>

/** Kafka's own floor; what RFC 7677 asks for. Fewer would make a stolen exchange cheap to guess. */
export const iterationsMin = 4096
/** Above this a server only burns our CPU: 1,000,000 rounds of SHA-512 take about a second. */
export const iterationsMax = 1_000_000

export interface ScramKeys {
  readonly clientKey: Buffer
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

const derive = promisify(pbkdf2)

/** Derives the keys of a password, on a thread of the pool: the event loop goes on. */
export async function deriveKeys(
  mechanism: ScramMechanism,
  password: string,
  salt: Buffer,
  iterations: number,
): Promise<ScramKeys> {
  const { hash, bytes } = scramHashes[mechanism]
  const salted = await derive(Buffer.from(password), salt, iterations, bytes, hash)
  const clientKey = createHmac(hash, salted).update('Client Key').digest()
  return {
    clientKey,
    storedKey: createHash(hash).update(clientKey).digest(),
    serverKey: createHmac(hash, salted).update('Server Key').digest(),
  }
}

export function sign(mechanism: ScramMechanism, key: Buffer, authMessage: string): Buffer {
  return createHmac(scramHashes[mechanism].hash, key).update(authMessage).digest()
}

export function digest(mechanism: ScramMechanism, key: Buffer): Buffer {
  return createHash(scramHashes[mechanism].hash).update(key).digest()
}

export function xor(a: Buffer, b: Buffer): Buffer {
  assert(a.length === b.length, `xor of ${a.length} and ${b.length} bytes`)
  return Buffer.from(a.map((byte, i) => byte ^ (b[i] ?? 0)))
}

/** `,` and `=` separate attributes, so a name writes them as `=2C` and `=3D`. */
export function encodeName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C')
}

/** The name, or undefined where a `=` begins anything else than these two. */
export function decodeName(encoded: string): string | undefined {
  if (/=(?!2C|3D)/.test(encoded)) return undefined
  return encoded.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

/** Printable ASCII but the comma (RFC 5802 §7). */
export function isNonce(text: string): boolean {
  return /^[\x21-\x2b\x2d-\x7e]+$/.test(text)
}

/** Bytes of strict base64, or undefined. `Buffer.from` alone would skip what it does not know. */
export function decodeBase64(text: string): Buffer | undefined {
  const strict = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
  return text !== '' && strict.test(text) ? Buffer.from(text, 'base64') : undefined
}

/**
 * Splits `r=...,s=...` into its values, which must begin with the attributes of `names`, in that
 * order; extensions behind them are ignored, as RFC 5802 demands (Kafka's own have longer names than
 * one letter). Undefined where it is not so.
 */
export function attributes<const N extends readonly string[]>(
  message: string,
  names: N,
): { readonly [I in keyof N]: string } | undefined
export function attributes(message: string, names: readonly string[]): string[] | undefined {
  const parts = message.split(',')
  if (!parts.slice(names.length).every((part) => /^[A-Za-z]+=./s.test(part))) return undefined
  const values: string[] = []
  for (const [i, name] of names.entries()) {
    const part = parts[i]
    if (part === undefined || !part.startsWith(`${name}=`)) return undefined
    values.push(part.slice(name.length + 1))
  }
  return values
}
