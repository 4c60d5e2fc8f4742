import { join } from 'node:path'
import { atLeast } from './jars.ts'
import { run } from './processes.ts'

/** How clients must introduce themselves. Brokers among themselves always speak plaintext. */
export type Security =
  'plaintext' | 'sasl_plain' | 'scram-sha-256' | 'scram-sha-512' | 'tls' | 'sasl_ssl'

/** A test certificate for the loopback addresses, which is its own authority. */
export interface Certificate {
  /** PEM: the certificate, which is also the authority that a client must trust. */
  readonly certificateFile: string
  readonly keyFile: string
  /** PKCS12 with key and certificate: what brokers of every version read. */
  readonly keystoreFile: string
  /** PKCS12 with the authority alone, for Java clients. */
  readonly truststoreFile: string
  readonly password: string
}

export const protocols = {
  plaintext: 'PLAINTEXT',
  sasl_plain: 'SASL_PLAINTEXT',
  'scram-sha-256': 'SASL_PLAINTEXT',
  'scram-sha-512': 'SASL_PLAINTEXT',
  tls: 'SSL',
  sasl_ssl: 'SASL_SSL',
} as const satisfies Record<Security, string>

export const mechanisms = {
  plaintext: [],
  sasl_plain: ['PLAIN'],
  'scram-sha-256': ['SCRAM-SHA-256'],
  'scram-sha-512': ['SCRAM-SHA-512'],
  tls: [],
  sasl_ssl: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
} as const satisfies Record<Security, readonly string[]>

export const usesTls = (security: Security) => protocols[security].endsWith('SSL')

async function must(command: string, args: readonly string[]): Promise<void> {
  const result = await run(command, args, { timeoutMs: 60_000 })
  if (result.code !== 0) throw new Error(`${command} ${args[0]}: ${result.stdout}${result.stderr}`)
}

/** Makes a key and its certificate in `directory`, for `localhost` and the first loopback addresses. */
export async function makeCertificate(directory: string): Promise<Certificate> {
  const certificate: Certificate = {
    certificateFile: join(directory, 'certificate.pem'),
    keyFile: join(directory, 'key.pem'),
    keystoreFile: join(directory, 'keystore.p12'),
    truststoreFile: join(directory, 'truststore.p12'),
    password: 'test-password',
  }
  const { certificateFile, keyFile, keystoreFile, truststoreFile, password } = certificate
  const names = ['DNS:localhost', ...[1, 2, 3, 4].map((i) => `IP:127.0.0.${i}`)].join(',')
  await must('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=localhost'],
    ...['-addext', `subjectAltName=${names}`, '-keyout', keyFile, '-out', certificateFile],
  ])
  await must('openssl', [
    ...['pkcs12', '-export', '-name', 'broker', '-inkey', keyFile, '-in', certificateFile],
    ...['-out', keystoreFile, '-passout', `pass:${password}`],
  ])
  await must('keytool', [
    ...['-importcert', '-noprompt', '-alias', 'authority', '-file', certificateFile],
    ...['-keystore', truststoreFile, '-storetype', 'PKCS12', '-storepass', password],
  ])
  return certificate
}

/** Server properties of the client listener. */
export function listenerProperties(
  security: Security,
  users: Readonly<Record<string, string>>,
  certificate: Certificate | undefined,
): Record<string, string> {
  const prefix = 'listener.name.client'
  const properties: Record<string, string> = {}
  const enabled = mechanisms[security]
  if (enabled.length > 0) {
    properties[`${prefix}.sasl.enabled.mechanisms`] = enabled.join(',')
    // Kafka 1.1 knows the property only without the prefix of a listener.
    properties['sasl.enabled.mechanisms'] = enabled.join(',')
  }
  for (const mechanism of enabled) {
    const key = `${prefix}.${mechanism.toLowerCase()}.sasl.jaas.config`
    if (mechanism === 'PLAIN') {
      const entries = Object.entries(users).map(([name, secret]) => ` user_${name}="${secret}"`)
      properties[key] =
        `org.apache.kafka.common.security.plain.PlainLoginModule required${entries.join('')};`
    } else {
      properties[key] = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
    }
  }
  if (certificate !== undefined) {
    properties[`${prefix}.ssl.keystore.location`] = certificate.keystoreFile
    properties[`${prefix}.ssl.keystore.type`] = 'PKCS12'
    properties[`${prefix}.ssl.keystore.password`] = certificate.password
    properties[`${prefix}.ssl.key.password`] = certificate.password
  }
  return properties
}

/** The authorizer that ships with a version; brokers, which come as ANONYMOUS, and `admin` may do all. */
export function authorizerProperties(version: string): Record<string, string> {
  const className = atLeast(version, '3.3')
    ? 'org.apache.kafka.metadata.authorizer.StandardAuthorizer'
    : atLeast(version, '2.4')
      ? 'kafka.security.authorizer.AclAuthorizer'
      : 'kafka.security.auth.SimpleAclAuthorizer'
  return { 'authorizer.class.name': className, 'super.users': 'User:ANONYMOUS;User:admin' }
}

/** What a Java client or tool needs in its properties file, as `user`. */
export function javaClientProperties(
  security: Security,
  user: string,
  secret: string,
  certificate: Certificate | undefined,
): Record<string, string> {
  const properties: Record<string, string> = { 'security.protocol': protocols[security] }
  const [mechanism] = mechanisms[security]
  if (mechanism !== undefined) {
    const loginModule = mechanism === 'PLAIN' ? 'plain.PlainLoginModule' : 'scram.ScramLoginModule'
    properties['sasl.mechanism'] = mechanism
    properties['sasl.jaas.config'] =
      `org.apache.kafka.common.security.${loginModule} required username="${user}" password="${secret}";`
  }
  if (certificate !== undefined) {
    properties['ssl.truststore.location'] = certificate.truststoreFile
    properties['ssl.truststore.type'] = 'PKCS12'
    properties['ssl.truststore.password'] = certificate.password
  }
  return properties
}
