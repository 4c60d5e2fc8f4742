import { Kafka, logLevel, type KafkaConfig, type SASLOptions } from 'kafkajs'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  fetchMetadata,
  requireKafka,
  startCluster,
  type Cluster,
  type ClusterOptions,
  type Security,
} from './index.ts'

const kafka = await requireKafka()

const mechanismOf = {
  plaintext: undefined,
  sasl_plain: 'plain',
  'scram-sha-256': 'scram-sha-256',
  'scram-sha-512': 'scram-sha-512',
  tls: undefined,
  sasl_ssl: 'plain',
} as const satisfies Record<Security, string | undefined>

function configOf(cluster: Cluster, security: Security, username: string): KafkaConfig {
  const password = cluster.users[username] ?? 'wrong'
  const mechanism = mechanismOf[security]
  const sasl: SASLOptions | undefined =
    mechanism === undefined ? undefined : { mechanism, username, password }
  return {
    brokers: cluster.bootstrapServers.split(','),
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    ...(sasl === undefined ? {} : { sasl }),
    ...(cluster.certificate === undefined
      ? {}
      : { ssl: { ca: readFileSync(cluster.certificate.certificateFile, 'utf8') } }),
  }
}

/** Creates a topic as a user. @returns what went wrong, or `created` */
async function create(cluster: Cluster, security: Security, username: string): Promise<string> {
  const admin = new Kafka(configOf(cluster, security, username)).admin()
  try {
    await admin.connect()
    await admin.createTopics({
      topics: [{ topic: `of-${username}`, numPartitions: 1, replicationFactor: 1 }],
      waitForLeaders: false,
    })
    return 'created'
  } catch (err) {
    return String(err)
  } finally {
    await admin.disconnect()
  }
}

async function withCluster(options: ClusterOptions, body: (cluster: Cluster) => Promise<void>) {
  const cluster = await startCluster(options)
  try {
    await body(cluster)
  } finally {
    await cluster.stop()
  }
}

describe.skipIf(!kafka)('a client listener', () => {
  test.for([
    ['1.1.1', 'sasl_plain'],
    ['1.1.1', 'scram-sha-256'],
    ['1.1.1', 'sasl_ssl'],
    ['2.8.2', 'scram-sha-512'],
    ['2.8.2', 'tls'],
    ['4.3.1', 'sasl_plain'],
    ['4.3.1', 'scram-sha-256'],
    ['4.3.1', 'tls'],
    ['4.3.1', 'sasl_ssl'],
  ] as const)('of %s lets a user in by %s, and nobody else', async ([version, security]) => {
    await withCluster({ version, brokers: 1, security }, async (cluster) => {
      expect(await create(cluster, security, 'alice')).toBe('created')
      if (mechanismOf[security] !== undefined)
        expect(await create(cluster, security, 'mallory')).toMatch(/authenticat|SASL/i)
      const [broker] = cluster.brokers
      expect(await fetchMetadata(broker?.host ?? '', broker?.port ?? 0)).toBeUndefined()
    })
  })

  test.for(['1.1.1', '2.8.2', '4.3.1'])('of %s denies what no ACL allows', async (version) => {
    const security = 'sasl_plain'
    const options = { version, brokers: 1, security, authorizer: true } as const
    await withCluster(options, async (cluster) => {
      expect(await create(cluster, security, 'alice')).toMatch(/authorized|errors/i)
      expect(await create(cluster, security, 'admin')).toBe('created')
    })
  })

  test('is open to the tools of its version, with a configuration', async () => {
    const options = { version: '2.8.2', brokers: 1, security: 'sasl_ssl' } as const
    await withCluster(options, async (cluster) => {
      const file = await cluster.clientConfig()
      const { code, stdout } = await cluster.tool('kafka.admin.BrokerApiVersionsCommand', [
        ...['--bootstrap-server', cluster.bootstrapServers, '--command-config', file],
      ])
      expect(code).toBe(0)
      expect(stdout).toContain(`${cluster.bootstrapServers} (id: 1`)
    })
  })
})
