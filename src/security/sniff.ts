/** What kind of bytes a connection begins with. */
export type SniffedProtocol = 'kafka' | 'http' | 'tls' | 'unknown'

/** So many bytes decide: a length, an API key, a version. Four are enough for a first guess. */
export const sniffBytes = 8

/** Kafka's default for `socket.request.max.bytes`. */
const frameBytesMax = 104_857_600
const httpStarts = 'GET |POST|PUT |HEAD|DELE|OPTI|PATC|CONN|TRAC|PRI |HTTP'.split('|')

/**
 * Tells what a peer speaks from its first 4 to 8 bytes. A Kafka frame begins with its length: read so,
 * `GET ` announces 1.2 GB and a TLS record 369 MB, far above any frame. TLS is known by its record
 * header, 0x14-0x17 0x03: a client begins with a handshake (0x16), a server may with an alert (0x15).
 * Fewer than 4 bytes are `unknown`.
 */
export function sniffFirstBytes(bytes: Buffer): SniffedProtocol {
  if (bytes.length < 4) return 'unknown'
  if (httpStarts.includes(bytes.toString('latin1', 0, 4))) return 'http'
  const [type = 0, major = 0, minor = 0] = bytes
  if (type >= 0x14 && type <= 0x17 && major === 3 && minor <= 4) return 'tls'
  const length = bytes.readInt32BE(0)
  if (length <= 0 || length > frameBytesMax) return 'unknown'
  if (bytes.length < sniffBytes) return 'kafka'
  // An API key and a version: both are small, and have been for fifteen years.
  return bytes[4] === 0 && bytes[6] === 0 && (bytes[7] ?? 0) < 64 ? 'kafka' : 'unknown'
}

/** What an operator is told about a client that does not speak plain Kafka on this port. */
export const sniffRemedies = {
  kafka: 'the client speaks Kafka',
  http: 'the client speaks HTTP to a Kafka port: send it to the admin port, or correct its address',
  tls: 'the client speaks TLS to a plaintext port: set security.protocol to PLAINTEXT or SASL_PLAINTEXT in the client, or configure listen.tls',
  unknown: 'the client speaks neither Kafka, HTTP nor TLS: check what connects to this port',
} as const satisfies Record<SniffedProtocol, string>
