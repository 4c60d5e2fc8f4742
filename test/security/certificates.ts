import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { isIPv4 } from 'node:net'

/**
 * Certificates made on the spot, so that none is checked in, expires, or needs a tool: just enough DER
 * (X.690) for X.509 v3 with one common name, one alternative name, and EC keys.
 */
export interface Certificate {
  readonly name: string
  /** PEM. */
  readonly cert: string
  /** PEM, PKCS #8. */
  readonly key: string
  readonly privateKey: KeyObject
}

interface Wish {
  readonly name: string
  /** Itself where it is missing: self-signed. */
  readonly issuer?: Certificate
  readonly authority?: boolean
  readonly notBefore?: Date
  readonly notAfter?: Date
}

const der = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts)
  const { length } = body
  const size =
    length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), body])
}
const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts)
const oid = (hex: string) => der(0x06, Buffer.from(hex, 'hex'))
const bits = (bytes: Uint8Array) => der(0x03, Buffer.from([0]), bytes)
const commonName = (name: string) =>
  sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(name)))))
const time = (date: Date) => der(0x18, Buffer.from(date.toISOString().replace(/[-:T]|\.\d+/g, '')))
const extension = (id: string, value: Uint8Array) => sequence(oid(id), der(0x04, value))

const day = 24 * 3600 * 1000
const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'))
let serial = 1

export function certificate({
  name,
  issuer,
  authority = false,
  notBefore,
  notAfter,
}: Wish): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const alternative = isIPv4(name)
    ? der(0x87, Buffer.from(name.split('.').map(Number)))
    : der(0x82, Buffer.from(name))
  const basic = authority ? sequence(der(0x01, Buffer.from([255]))) : sequence()
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.from([serial++])),
    ecdsaWithSha256,
    commonName(issuer?.name ?? name),
    sequence(
      time(notBefore ?? new Date(Date.now() - day)),
      time(notAfter ?? new Date(Date.now() + day)),
    ),
    commonName(name),
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extension('551d13', basic), extension('551d11', sequence(alternative)))),
  )
  const signature = sign('sha256', body, issuer?.privateKey ?? privateKey)
  const base64 = sequence(body, ecdsaWithSha256, bits(signature)).toString('base64')
  const lines = base64.match(/.{1,64}/g) ?? []
  return {
    name,
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    privateKey,
  }
}

/** The key as PEM, encrypted. */
export function encryptedKey({ privateKey }: Certificate, passphrase: string): string {
  const how = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase } as const
  return privateKey.export(how).toString()
}
