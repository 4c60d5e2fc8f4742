/**
 * What the errors of TLS mean to an operator: one row per cause, tried from the top. OpenSSL's codes
 * are matched by their end, because its versions word their beginnings differently.
 */
const causes: readonly (readonly [codes: RegExp, sentence: string])[] = [
  [
    /^(DEPTH_ZERO_SELF_SIGNED_CERT)$/,
    "the peer's certificate is self-signed and not trusted: give it as tls.ca, or one that a trusted authority has signed",
  ],
  [
    /^(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|UNABLE_TO_VERIFY_LEAF_SIGNATURE)$/,
    "the authority that signed the peer's certificate is not known here: give its certificate as tls.ca (with the intermediate ones, if the peer does not send them)",
  ],
  [
    /^CERT_HAS_EXPIRED$/,
    "the peer's certificate (or one above it) has expired: renew it, and check this machine's clock",
  ],
  [
    /^CERT_NOT_YET_VALID$/,
    "the peer's certificate is not valid yet: check this machine's clock, then the certificate",
  ],
  [/^CERT_REVOKED$/, "the peer's certificate is revoked: renew it"],
  [
    /^ERR_TLS_CERT_ALTNAME_(INVALID|FORMAT)$/,
    "the peer's certificate is for another name: set tls.serverName to a name that it contains, or connect by such a name",
  ],
  [
    /(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|BAD_RECORD_TYPE|RECORD_LAYER_FAILURE)$/,
    'the peer does not speak TLS on this port: use its TLS port, or take tls away on one side',
  ],
  [/SSL_HTTP_REQUEST$/, 'the peer speaks plain HTTP to a TLS port: correct its address'],
  [
    /(CERTIFICATE_REQUIRED|PEER_DID_NOT_RETURN_A_CERTIFICATE)$/,
    'a client certificate is required and none was shown: give tls.cert and tls.key (a Java client: ssl.keystore.*)',
  ],
  [
    /ALERT_UNKNOWN_CA$/,
    'the peer does not know the authority that signed our certificate: have it trust that one, or use a certificate from an authority that it trusts',
  ],
  [
    /ALERT_(CERTIFICATE_EXPIRED|CERTIFICATE_REVOKED|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED)$/,
    'the peer refused our certificate: check that it is valid, meant for this use, and signed by an authority that the peer trusts',
  ],
  [
    /ALERT_HANDSHAKE_FAILURE$/,
    'the peer broke off the handshake: most often it requires a client certificate (tls.cert and tls.key), else the two have no cipher in common',
  ],
  [
    /(ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW)$/,
    'the two have no version of TLS in common: TLS 1.2 or newer is required here, enable it on the peer',
  ],
  [/NO_SHARED_CIPHER$/, 'the two have no cipher in common: enable a modern one on the peer'],
  [/ALERT_UNRECOGNI[SZ]ED_NAME$/, 'the peer does not serve this name: correct tls.serverName'],
  [
    /(BAD_DECRYPT|BAD_PASSWORD_READ|INTERRUPTED_OR_CANCELLED|MISSING_PASSPHRASE)$/,
    'the private key is encrypted and tls.passphrase does not open it',
  ],
  [/KEY_VALUES_MISMATCH$/, 'tls.key is not the private key of tls.cert: give a pair'],
  [/KEY_TYPE_MISMATCH$/, 'tls.key is not the private key of tls.cert: give a pair'],
  [
    /(^ERR_OSSL_UNSUPPORTED|PEM_\w+|NO_START_LINE|ASN1_\w+|^SSL_CTX_use_certificate_chain)$/,
    'a certificate or key cannot be read: give PEM text (-----BEGIN ...-----), complete and undamaged',
  ],
  [
    /^(ECONNRESET|EPIPE)$/,
    'the peer closed the connection during the handshake: most often this is a plaintext Kafka port (use its TLS port), else it requires a client certificate',
  ],
]

/**
 * A sentence for a failure of TLS: what happened, what to do, and the code in brackets for the search.
 * It serves both sides: "the peer" is a broker or an application. Only for errors of TLS sockets and
 * contexts: an ECONNRESET of an established connection means something else.
 *
 * @param socket of `tlsClientError`, on a server that verifies its clients
 */
export function explainTls(
  err: unknown,
  socket?: { readonly authorizationError?: unknown },
): string {
  const message = property(err, 'message') ?? String(err)
  const code = property(err, 'code')
  // A server that refuses a client's certificate hangs up: the cause is only on the socket. Some
  // failures of a context have a message and no code.
  const refused = socket?.authorizationError
  const what = typeof refused === 'string' ? refused : (code ?? message)
  for (const [pattern, sentence] of causes)
    if (pattern.test(what)) {
      const detail = what.startsWith('ERR_TLS_CERT_ALTNAME') ? ` (${message})` : ''
      return `TLS failed: ${sentence}${detail} [${what}]`
    }
  return `TLS failed: ${message}${code === undefined ? '' : ` [${code}]`}`
}

function property(err: unknown, name: 'code' | 'message'): string | undefined {
  if (typeof err !== 'object' || err === null) return undefined
  const value: unknown = Object.getOwnPropertyDescriptor(err, name)?.value
  return typeof value === 'string' ? value : undefined
}
