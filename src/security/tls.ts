import { isIP } from 'node:net'
import * as tls from 'node:tls'
import { CutoverError, type ErrorKind } from '../errors.ts'
import { explainTls } from './tls-errors.ts'

/** TLS to a cluster. All PEM. Without `ca` the roots that Node brings are trusted. */
export interface ClusterTls {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly passphrase?: string | undefined
  /** The name in the brokers' certificates, where it is not the host that they advertise. */
  readonly serverName?: string | undefined
}

/** TLS for applications. All PEM. With `ca`, they must show a certificate that it has signed. */
export interface ListenerTls {
  readonly cert: string
  readonly key: string
  readonly ca?: string | undefined
}

/** For `tls.createServer` (the PEMs) as well as for `new tls.TLSSocket` (the context). */
export type ListenerTlsOptions = tls.TlsOptions & { readonly secureContext: tls.SecureContext }

const minVersion = 'TLSv1.2'

/**
 * Options for `tls.connect` to one broker. Verification cannot be switched off, neither here nor by
 * NODE_TLS_REJECT_UNAUTHORIZED: who trusts a self-signed certificate gives it as `ca`.
 * The context is made once per `config` object.
 *
 * @throws CutoverError `auth_upstream` where the PEMs cannot be used
 */
export function upstreamTlsOptions(
  config: ClusterTls,
  server: { readonly host: string; readonly port: number },
): tls.ConnectionOptions {
  const name = config.serverName ?? server.host
  return {
    host: server.host,
    port: server.port,
    secureContext: secureContext(config, 'auth_upstream'),
    rejectUnauthorized: true,
    // SNI carries names only (RFC 6066 §3). Without it Node would check the host: we say for which.
    ...(isIP(name) === 0 ? { servername: name } : {}),
    checkServerIdentity: (_, certificate) => tls.checkServerIdentity(name, certificate),
  }
}

/** @throws CutoverError `auth_downstream` where the PEMs cannot be used */
export function listenerTlsOptions(config: ListenerTls): ListenerTlsOptions {
  const { cert, key, ca } = config
  const clients = ca === undefined ? { requestCert: false } : { ca, requestCert: true }
  return {
    secureContext: secureContext(config, 'auth_downstream'),
    cert,
    key,
    minVersion,
    ...clients,
    rejectUnauthorized: ca !== undefined,
  }
}

const contexts = new WeakMap<ClusterTls | ListenerTls, tls.SecureContext>()

/** Parsing PEMs takes milliseconds and a trust store of megabytes: once, not per connection. */
function secureContext(config: ClusterTls | ListenerTls, kind: ErrorKind): tls.SecureContext {
  let context = contexts.get(config)
  if (context === undefined) {
    const passphrase = 'passphrase' in config ? config.passphrase : undefined
    const { ca, cert, key } = config
    refuseHalves(config, kind)
    try {
      context = tls.createSecureContext({ ca, cert, key, passphrase, minVersion })
    } catch (err) {
      throw new CutoverError(kind, explainTls(err), { cause: err })
    }
    contexts.set(config, context)
  }
  return context
}

/** Node silently ignores what OpenSSL would not miss until the handshake. */
function refuseHalves({ ca, cert, key }: ClusterTls | ListenerTls, kind: ErrorKind): void {
  const one = (missing: string, given: string) =>
    new CutoverError(kind, `tls.${given} is given without tls.${missing}: give both or neither`)
  if (cert !== undefined && key === undefined) throw one('key', 'cert')
  if (key !== undefined && cert === undefined) throw one('cert', 'key')
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new CutoverError(kind, 'tls.ca holds no PEM certificate (-----BEGIN CERTIFICATE-----)')
}
