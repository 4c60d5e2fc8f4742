import { CutoverError } from '../errors.ts'
import { apiByKey, apiName, apis } from '../protocol/index.ts'
import type { RoutingTable } from '../router/index.ts'
import { saslTokenBytesMax, sniffFirstBytes, sniffRemedies } from '../security/index.ts'

/** The shortest request: its header with a null client id. */
const requestBytesMin = 10
const legalBeforeLogin = new Set([
  apis.apiVersions.key,
  apis.saslHandshake.key,
  apis.saslAuthenticate.key,
])

/**
 * What is wrong with a frame's announced size, if anything.
 * @param begun the connection's bytes so far, if this is its first frame
 */
export function sizeFlaw(
  size: number,
  requestBytesMax: number,
  begun: Buffer | undefined,
): CutoverError | undefined {
  if (size >= requestBytesMin && size <= requestBytesMax) return undefined
  const spoken = begun === undefined ? 'unknown' : sniffFirstBytes(begun)
  if (spoken === 'http' || spoken === 'tls') {
    return new CutoverError(
      'not_kafka',
      `an application spoke ${spoken.toUpperCase()} on this port: ${sniffRemedies[spoken]}`,
    )
  }
  if (size > requestBytesMax) {
    return new CutoverError(
      'frame_too_large',
      `an application announced a request of ${size} bytes; limits.requestBytes allows ${requestBytesMax}`,
    )
  }
  return new CutoverError('frame_invalid', `an application announced a request of ${size} bytes`)
}

/** The same for a bare SASL token (after SaslHandshake v0), which may be empty. */
export function tokenSizeFlaw(size: number): CutoverError | undefined {
  if (size >= 0 && size <= saslTokenBytesMax) return undefined
  return new CutoverError(
    'frame_invalid',
    `an application announced a SASL token of ${size} bytes; at most ${saslTokenBytesMax} are allowed`,
  )
}

/** What is wrong with asking for this API and version, if anything; 'unknown' before anybody can tell. */
export function versionFlaw(
  table: RoutingTable,
  apiKey: number,
  version: number,
): CutoverError | 'unknown' | undefined {
  // One that we do not know is answered too, with those that we do (KIP-511).
  if (apiKey === apis.apiVersions.key && version >= 0) return undefined
  // Logging in may come before the source has told what it offers.
  const range = legalBeforeLogin.has(apiKey)
    ? apiByKey(apiKey)?.versions
    : table.offered.get(apiKey)
  if (range !== undefined && version >= range.min && version <= range.max) return undefined
  if (table.offered.size === 0) return 'unknown'
  return new CutoverError(
    'unsupported_api',
    range === undefined
      ? `an application asked for API ${apiName(apiKey)} (${apiKey}), which is not offered`
      : `an application asked for ${apiName(apiKey)} v${version}; offered are ${range.min} to ${range.max}`,
  )
}

/** What is wrong with asking for this API before a login that is required. */
export function loginFlaw(apiKey: number): CutoverError | undefined {
  if (legalBeforeLogin.has(apiKey)) return undefined
  return new CutoverError(
    'auth_downstream',
    `an application sent ${apiName(apiKey)} before it logged in`,
  )
}
