import type { Complaint } from './errors.ts'
import { reason } from './secrets.ts'

export interface TlsTexts {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly passphrase?: string
}

interface TlsComplaint extends Complaint {
  readonly key: 'ca' | 'cert' | 'key'
}

/** Whether OpenSSL can use these texts; a mistake is found here rather than at the first handshake. */
export async function tlsComplaint(tls: TlsTexts): Promise<TlsComplaint | null> {
  const { ca, cert, key, passphrase } = tls
  if (ca === undefined && cert === undefined && key === undefined) return null
  for (const name of ['ca', 'cert'] as const) {
    const text = tls[name]
    if (text !== undefined && text !== '' && !text.includes('-----BEGIN CERTIFICATE-----')) {
      return noPem(name, 'CERTIFICATE')
    }
  }
  if (key !== undefined && key !== '' && !/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key)) {
    return noPem('key', 'PRIVATE KEY')
  }
  const { createSecureContext } = await import('node:tls')
  const attempts = [
    ['ca', { ca }],
    ['cert', { cert }],
    ['key', { key, passphrase }],
    ['key', { cert, key, passphrase }],
  ] as const
  for (const [name, options] of attempts) {
    try {
      createSecureContext(options)
    } catch (error) {
      return {
        key: name,
        given: `a text that OpenSSL refuses (${reason(error)})`,
        allowed:
          name === 'key'
            ? 'the private key of the certificate, with its passphrase if it is encrypted'
            : 'certificates in PEM',
        remedy: 'check it with `openssl x509 -noout -text` or `openssl pkey -check`',
      }
    }
  }
  return null
}

const noPem = (key: 'ca' | 'cert' | 'key', kind: string): TlsComplaint => ({
  key,
  given: `a text without "-----BEGIN ${kind}-----"`,
  allowed: 'PEM',
  remedy: 'convert it with openssl, or name another file',
})
