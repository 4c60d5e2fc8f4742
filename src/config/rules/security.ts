/** Logins, certificates, and who may command. */
import { isIP } from 'node:net'
import type { Finding } from '../check.ts'
import { isLoopback } from '../values.ts'
import type { Path } from '../yaml.ts'
import { adminOf } from './addresses.ts'
import type { Rule } from './rule.ts'

const exposedAdminHasToken: Rule = ({ shape, refused }) => {
  const { host } = adminOf(shape)
  if (isLoopback(host) || shape.admin?.token !== undefined) return []
  if (refused(['admin', 'token'])) return []
  return [
    {
      path: ['admin', 'host'],
      given: `"${host}" without admin.token`,
      allowed: 'a loopback address, or any address with a token',
      remedy: 'listen on 127.0.0.1, or set admin.token to { env: NAME } in the configuration file',
    },
  ]
}

const saslIsComplete: Rule = ({ shape }) =>
  (['source', 'target'] as const).flatMap((cluster) => {
    const sasl = shape[cluster]?.sasl
    if (sasl === undefined) return []
    return (['mechanism', 'username', 'password'] as const).flatMap((key) =>
      sasl[key] === undefined
        ? [
            {
              path: [cluster, 'sasl', key],
              given: 'nothing',
              allowed: 'mechanism, username and password together',
              remedy: key === 'password' ? 'add password: { env: NAME }' : `add ${key}`,
            },
          ]
        : [],
    )
  })

const listenSaslHasUsers: Rule = ({ shape }) => {
  const sasl = shape.listen?.sasl
  if (sasl === undefined) return []
  const path: Path = ['listen', 'sasl', 'users']
  const users = sasl.users ?? []
  if (users.length === 0) {
    const remedy = 'add "- { username: app, password: { env: NAME } }", or remove listen.sasl'
    return [{ path, given: 'no users', allowed: 'at least one user', remedy }]
  }
  return users.flatMap((user, i) => {
    if (user === undefined) return []
    const { username, password } = user
    const findings: Finding[] = []
    const allowed = 'username and password for each user'
    for (const [key, value] of Object.entries({ username, password })) {
      if (value !== undefined) continue
      findings.push({ path: [...path, i, key], given: 'nothing', allowed, remedy: `add ${key}` })
    }
    if (username !== undefined && users.findIndex((other) => other?.username === username) < i) {
      const given = `"${username}" a second time`
      findings.push({
        path: [...path, i, 'username'],
        given,
        allowed: 'each user once',
        remedy: 'remove one of them',
      })
    }
    return findings
  })
}

const keyHasCertificate: Rule = ({ shape }) =>
  (['source', 'target', 'listen'] as const).flatMap((section) => {
    const tls = shape[section]?.tls
    if (tls === undefined) return []
    const both = section === 'listen'
    return (['cert', 'key'] as const).flatMap((key) => {
      const other = key === 'cert' ? tls.key : tls.cert
      if (tls[key] !== undefined || (other === undefined && !both)) return []
      return [
        {
          path: [section, 'tls', key],
          given: 'nothing',
          allowed: both ? 'cert and key, to listen with TLS' : 'cert and key together, or neither',
          remedy: `add ${key}: { file: PATH }`,
        },
      ]
    })
  })

const nameOfServerIsNoAddress: Rule = ({ shape }) =>
  (['source', 'target'] as const).flatMap((cluster) => {
    const serverName = shape[cluster]?.tls?.serverName
    if (serverName === undefined || isIP(serverName) === 0) return []
    return [
      {
        path: [cluster, 'tls', 'serverName'],
        given: `"${serverName}"`,
        allowed: 'a host name (RFC 6066 knows no addresses here)',
        remedy: 'write the name in the certificate, or leave the key out',
      },
    ]
  })

export const securityRules: readonly Rule[] = [
  exposedAdminHasToken,
  saslIsComplete,
  listenSaslHasUsers,
  keyHasCertificate,
  nameOfServerIsNoAddress,
]
