import { X509Certificate } from 'node:crypto'
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

/**
 * Options for `tls.createServer`. Only such a server verifies its clients: a socket that is wrapped by
 * hand, `new TLSSocket(socket, { isServer: true })`, lets in whoever shows any certificate. Sockets
 * that were accepted elsewhere are given to it by `server.emit('connection', socket)`; so one server
 * (and one context) serves any number of listeners.
 *
 * @throws CutoverError `auth_downstream` where the PEMs cannot be used
 */
export function listenerTlsOptions(config: ListenerTls): tls.TlsOptions {
  secureContext(config, 'auth_downstream') // A server reports bad PEMs, too, but not in our words.
  const { cert, key, ca } = config
  const clients = ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true }
  return { cert, key, minVersion, ...clients }
}

const contexts = new WeakMap<ClusterTls | ListenerTls, tls.SecureContext>()

/** Parsing PEMs takes milliseconds and a trust store of megabytes: once, not per connection. */
function secureContext(config: ClusterTls | ListenerTls, kind: ErrorKind): tls.SecureContext {
  const made = contexts.get(config)
  if (made !== undefined) return made
  const passphrase = 'passphrase' in config ? config.passphrase : undefined
  const { ca, cert, key } = config
  refuseWhatNodeIgnores(config, kind)
  try {
    const context = tls.createSecureContext({ ca, cert, key, passphrase, minVersion })
    contexts.set(config, context)
    return context
  } catch (err) {
    throw new CutoverError(kind, explainTls(err), { cause: err })
  }
}

/** Half a pair, or an authority that cannot be read: without this they show in the handshake, or never. */
function refuseWhatNodeIgnores({ ca, cert, key }: ClusterTls | ListenerTls, kind: ErrorKind): void {
  const alone = (given: string, missing: string) =>
    new CutoverError(kind, `tls.${given} is given without tls.${missing}: give both or neither`)
  if (cert !== undefined && key === undefined) throw alone('cert', 'key')
  if (key !== undefined && cert === undefined) throw alone('key', 'cert')
  if (ca === undefined) return
  const blocks = ca.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  if (blocks.length === 0)
    throw new CutoverError(kind, 'tls.ca holds no PEM certificate (-----BEGIN CERTIFICATE-----)')
  for (const [i, block] of blocks.entries())
    try {
      new X509Certificate(block)
    } catch (err) {
      const which = `certificate ${i + 1} of ${blocks.length} in tls.ca`
      throw new CutoverError(kind, `${which} is damaged: give complete PEM text`, { cause: err })
    }
}
