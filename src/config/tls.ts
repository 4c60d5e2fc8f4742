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
  if (key !== undefined && key !== '' && !/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key)) {
    return noPem('key', 'PRIVATE KEY')
  }
  const { X509Certificate } = await import('node:crypto')
  for (const name of ['ca', 'cert'] as const) {
    const text = tls[name]
    if (text === undefined || text === '') continue
    const begun = text.split('-----BEGIN CERTIFICATE-----').length - 1
    const whole = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
    if (begun === 0) return noPem(name, 'CERTIFICATE')
    try {
      // OpenSSL would take what comes before the first one that it cannot read, and say nothing.
      for (const each of whole) new X509Certificate(each)
    } catch (error) {
      return refused(name, reason(error))
    }
    if (whole.length < begun) return refused(name, 'no END CERTIFICATE')
  }
  const { createSecureContext } = await import('node:tls')
  try {
    createSecureContext({ ca, cert, key, passphrase })
  } catch (error) {
    return refused(key === undefined ? 'cert' : 'key', reason(error))
  }
  return null
}

const refused = (key: TlsComplaint['key'], why: string): TlsComplaint => ({
  key,
  given: `a text that OpenSSL refuses (${why})`,
  allowed:
    key === 'key'
      ? 'the private key of the certificate, with its passphrase if it is encrypted'
      : 'whole certificates in PEM',
  remedy: 'check it with `openssl x509 -noout -text` or `openssl pkey -check`',
})

const noPem = (key: TlsComplaint['key'], kind: string): TlsComplaint => ({
  key,
  given: `a text without "-----BEGIN ${kind}-----"`,
  allowed: 'PEM',
  remedy: 'convert it with openssl, or name another file',
})
