/**
 * What goes together and what does not. Each rule looks at what is there and leaves the rest to the
 * others: a value that was refused already is absent here, and nothing is reported about it twice.
 */
import { isIP } from 'node:net'
import type { Finding } from './check.ts'
import { defaults, limitDefaults } from './defaults.ts'
import type { FileShape } from './schema.ts'
import {
  formatAddress,
  formatSize,
  hostsOverlap,
  isLoopback,
  isWildcard,
  portMax,
} from './values.ts'
import type { Path } from './yaml.ts'

export interface Ruled {
  readonly shape: FileShape
  /** Whether something at or below the path, or above it, was refused already. */
  readonly refused: (path: Path) => boolean
}

type Rule = (ruled: Ruled) => readonly Finding[]

export function judge(ruled: Ruled): readonly Finding[] {
  return rules.flatMap((rule) => rule(ruled)).filter(({ path }) => !ruled.refused(path))
}

const sourceIsGiven: Rule = ({ shape }) =>
  (shape.source?.bootstrapServers ?? []).length > 0
    ? []
    : [
        {
          path: ['source', 'bootstrapServers'],
          given: 'nothing',
          allowed: 'at least one host:port',
          remedy: 'name the cluster that the applications use today, as --source 10.0.0.1:9092',
        },
      ]

const targetHasServers: Rule = ({ shape }) =>
  shape.target === undefined || (shape.target.bootstrapServers ?? []).length > 0
    ? []
    : [
        {
          path: ['target', 'bootstrapServers'],
          given: 'nothing',
          allowed: 'at least one host:port',
          remedy: 'name the servers, or leave the whole target out for a plain pass-through',
        },
      ]

const clustersDiffer: Rule = ({ shape }) =>
  serversOf(shape, 'target').flatMap(([server, i]) =>
    serversOf(shape, 'source').some(([other]) => sameAddress(server, other))
      ? [
          {
            path: ['target', 'bootstrapServers', i],
            given: `"${formatAddress(server)}", which is a source server too`,
            allowed: 'servers of another cluster than the source',
            remedy: 'name the cluster to move to, or leave the target out',
          },
        ]
      : [],
  )

const noLoop: Rule = ({ shape }) => {
  const listen = listenOf(shape)
  return (['source', 'target'] as const).flatMap((cluster) =>
    serversOf(shape, cluster).flatMap(([server, i]) =>
      sameAddress(server, listen)
        ? [
            {
              path: [cluster, 'bootstrapServers', i],
              given: `"${formatAddress(server)}", on which the sidecar itself listens`,
              allowed: 'a server of the cluster',
              remedy: 'listen on another port, as --listen 127.0.0.1:19092',
            },
          ]
        : [],
    ),
  )
}

const wildcardIsAdvertised: Rule = ({ shape }) => {
  const { host } = listenOf(shape)
  const advertised = shape.listen?.advertisedHost
  const path = ['listen', 'advertisedHost']
  const allowed = 'the host by which clients reach this sidecar'
  if (advertised === undefined && isWildcard(host)) {
    return [
      {
        path,
        given: `nothing while listening on ${host}, to which no client can connect`,
        allowed,
        remedy: 'set it, as --advertise 127.0.0.1 for applications on the same host',
      },
    ]
  }
  if (advertised === undefined || !isWildcard(advertised)) return []
  return [{ path, given: `"${advertised}"`, allowed, remedy: 'name one address or host' }]
}

const portsFit: Rule = ({ shape }) => {
  const { port } = listenOf(shape)
  const brokers = brokersExpected(shape)
  return port + brokers <= portMax
    ? []
    : [
        {
          path: ['listen', 'port'],
          given: `${port}, with ${brokers} virtual broker(s) on the ports above it`,
          allowed: `1 to ${portMax - brokers}`,
          remedy: 'choose a lower port',
        },
      ]
}

const adminHasItsOwnPort: Rule = ({ shape }) => {
  const listen = listenOf(shape)
  const admin = adminOf(shape)
  const last = listen.port + brokersExpected(shape)
  const inside = admin.port >= listen.port && admin.port <= last
  if (!inside || !hostsOverlap(admin.host, listen.host)) return []
  const whose =
    admin.port === listen.port ? 'the port of the listener' : 'the port of a virtual broker'
  return [
    {
      path: ['admin', 'port'],
      given: `${admin.port}, which is ${whose}`,
      allowed: `a port outside ${listen.port} to ${last}`,
      remedy: 'choose another port, as --admin 127.0.0.1:9600',
    },
  ]
}

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

const topicsAreDistinct: Rule = ({ shape, refused }) => {
  const topics = shape.cutover?.topics
  const path: Path = ['cutover', 'topics']
  if (topics === undefined) return []
  if (topics.length === 0) {
    const remedy = 'name the topics that move, or leave the key out for every topic'
    return [{ path, given: 'an empty list', allowed: 'at least one topic', remedy }]
  }
  return topics.flatMap((topic, i) => {
    if (topic === undefined) return []
    const { source, target = source } = topic
    if (source === undefined) {
      if (refused([...path, i])) return []
      const remedy = 'add source: NAME'
      return [{ path: [...path, i, 'source'], given: 'nothing', allowed: 'a topic name', remedy }]
    }
    const before = topics.slice(0, i)
    if (before.some((other) => other?.source === source)) {
      const given = `"${source}" a second time`
      const allowed = 'each source topic once'
      return [{ path: [...path, i, 'source'], given, allowed, remedy: 'remove one of them' }]
    }
    const rival = before.find((other) => (other?.target ?? other?.source) === target)
    if (rival === undefined) return []
    return [
      {
        path: [...path, i, 'target'],
        given: `"${target}", into which "${rival.source ?? '?'}" moves already`,
        allowed: 'a target topic for each source topic',
        remedy: `name another target, as ${source}:${source}`,
      },
    ]
  })
}

const topicJournalHasTarget: Rule = ({ shape, refused }) => {
  const journal = shape.cutover?.journal
  if (journal?.kind !== 'topic' || shape.target !== undefined || refused(['target'])) return []
  return [
    {
      path: ['cutover', 'journal'],
      given: `"topic:${journal.name}" without a target`,
      allowed: 'topic:NAME with a target, on which the topic is kept; file:PATH without',
      remedy: 'add --target, or write file:PATH',
    },
  ]
}

const rewrittenFitsBuffer: Rule = ({ shape }) => {
  const rewritten = shape.limits?.rewrittenResponseBytes ?? limitDefaults.rewrittenResponseBytesMax
  const buffered = shape.limits?.bufferedBytes ?? limitDefaults.bufferedBytesMax
  if (rewritten <= buffered) return []
  const path = ['limits', 'rewrittenResponseBytes']
  return [
    {
      path,
      given: `${formatSize(rewritten)}, more than limits.bufferedBytes`,
      allowed: `up to ${formatSize(buffered)}`,
      remedy: 'raise limits.bufferedBytes, or lower this',
    },
  ]
}

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

const rules: readonly Rule[] = [
  sourceIsGiven,
  targetHasServers,
  clustersDiffer,
  noLoop,
  wildcardIsAdvertised,
  portsFit,
  adminHasItsOwnPort,
  exposedAdminHasToken,
  saslIsComplete,
  listenSaslHasUsers,
  keyHasCertificate,
  nameOfServerIsNoAddress,
  topicsAreDistinct,
  topicJournalHasTarget,
  rewrittenFitsBuffer,
]

interface Address {
  readonly host: string
  readonly port: number
}

function listenOf({ listen }: FileShape): Address {
  return { host: listen?.host ?? defaults.listen.host, port: listen?.port ?? defaults.listen.port }
}

function adminOf({ admin }: FileShape): Address {
  return { host: admin?.host ?? defaults.admin.host, port: admin?.port ?? defaults.admin.port }
}

/** The servers with their places in the list, from which those that were refused are missing. */
function serversOf(
  shape: FileShape,
  cluster: 'source' | 'target',
): readonly (readonly [Address, number])[] {
  const servers = shape[cluster]?.bootstrapServers ?? []
  return servers.flatMap((server, i) => (server === undefined ? [] : [[server, i] as const]))
}

/** As many as are named, at least one: how many there are only the clusters can say. */
function brokersExpected(shape: FileShape): number {
  return Math.max(1, serversOf(shape, 'source').length, serversOf(shape, 'target').length)
}

function sameAddress(a: Address, b: Address): boolean {
  const bothLocal = isLoopback(a.host) && (isLoopback(b.host) || isWildcard(b.host))
  return a.port === b.port && (a.host.toLowerCase() === b.host.toLowerCase() || bothLocal)
}
