/** Who listens where, and on whom. */
import { formatAddress, hostsOverlap, isWildcard, portMax } from '../values.ts'
import { adminOf, brokersExpected, listenOf, sameAddress, serversOf } from './addresses.ts'
import type { Rule } from './rule.ts'

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

export const networkRules: readonly Rule[] = [
  sourceIsGiven,
  targetHasServers,
  clustersDiffer,
  noLoop,
  wildcardIsAdvertised,
  portsFit,
  adminHasItsOwnPort,
]
