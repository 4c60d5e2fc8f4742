import { Kafka, logLevel, type SASLOptions } from 'kafkajs'
import { afterEach, describe, expect, test } from 'vitest'
import { startEmbeddedCluster, type EmbeddedCluster } from '../../src/embedded/index.ts'
import { apis, errorCodes, type SaslAuthenticateResponse } from '../../src/protocol/index.ts'
import { localUsers } from '../../src/security/index.ts'
import { until } from '../kafka/ports.ts'
import { answerOf, frameOf, type Client } from './client.ts'
import { produce } from './requests.ts'
import { complaintOf, startSidecar, stopSidecars, untilReady, type Sidecar } from './sidecar.ts'

const clusters: EmbeddedCluster[] = []
afterEach(async () => {
  await stopSidecars()
  for (const cluster of clusters.splice(0)) await cluster.stop()
})

const alice = { username: 'alice', password: 'alice-secret' }
const bob = { username: 'bob', password: 'bob-secret' }
const topics = [{ name: 'orders', partitions: 4 }]

async function startCluster(withUsers = true): Promise<EmbeddedCluster> {
  const sasl = withUsers ? { sasl: { users: [alice, bob] } } : {}
  const cluster = await startEmbeddedCluster({ brokers: 2, topics, ...sasl })
  clusters.push(cluster)
  return cluster
}

const plain = ({ username, password }: typeof alice): Buffer =>
  Buffer.from(`\0${username}\0${password}`)

async function logIn(
  client: Client,
  who: typeof alice,
  version = 1,
): Promise<SaslAuthenticateResponse> {
  const handshake = await client.ask(apis.saslHandshake, 1, { mechanism: 'PLAIN' })
  expect(handshake.errorCode).toBe(0)
  return client.ask(apis.saslAuthenticate, version, { authBytes: plain(who) })
}

async function expectServed(client: Client): Promise<void> {
  const { brokers } = await client.ask(apis.metadata, 9, { topics: [] })
  expect(brokers).toHaveLength(2)
  for (const partition of [0, 1, 2, 3]) {
    const answer = await client.ask(apis.produce, 9, produce({ [`orders/${partition}`]: ['v'] }))
    expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(0)
  }
}

/** Bare tokens, after SaslHandshake v0: a length and bytes, either way. */
async function logInBare(client: Client, who: typeof alice): Promise<void> {
  const handshake = await client.ask(apis.saslHandshake, 0, { mechanism: 'PLAIN' })
  expect(handshake.errorCode).toBe(0)
  const token = plain(who)
  client.write(Buffer.concat([Buffer.from([0, 0, 0, token.length]), token]))
}

describe('credentials that the cluster judges (PLAIN, passed through)', () => {
  test.each([0, 1, 2])(
    'are good: the client is served as itself (SaslAuthenticate v%d)',
    async (v) => {
      const cluster = await startCluster()
      const sidecar = await startSidecar(cluster.bootstrapServers)
      const client = await sidecar.connect()
      const { apiKeys } = await client.ask(apis.apiVersions, 0, {})
      expect(apiKeys.map(({ apiKey }) => apiKey)).toContain(apis.saslHandshake.key)
      expect(await logIn(client, alice, v)).toMatchObject({ errorCode: 0, errorMessage: null })
      await expectServed(client)
      const onSlot = await sidecar.connect(2)
      expect((await logIn(onSlot, bob)).errorCode).toBe(0)
      await expectServed(onSlot)
    },
  )

  test.each([
    { ...alice, password: 'wrong' },
    { username: 'mallory', password: 'alice-secret' },
  ])('are bad: 58, the end, a line, and nobody else is hurt ($username)', async (who) => {
    const cluster = await startCluster()
    const sidecar = await startSidecar(cluster.bootstrapServers)
    const good = await sidecar.connect()
    await logIn(good, alice)
    await expectServed(good)
    const client = await sidecar.connect()
    const answer = await logIn(client, who)
    expect(answer.errorCode).toBe(errorCodes.SASL_AUTHENTICATION_FAILED)
    expect(answer.errorMessage).toMatch(/Authentication failed.*credentials/)
    await client.closed
    expect(sidecar.seen.failures).toContain('auth_upstream')
    expect(sidecar.lines.map(({ message }) => message)).toContain('a client connection was closed')
    expect(JSON.stringify(sidecar.lines)).not.toContain(who.password)
    await expectServed(good)
  })

  test('cannot be judged while the cluster is away: the connection ends, without the verdict "wrong"', async () => {
    const cluster = await startCluster()
    const sidecar = await startSidecar(cluster.bootstrapServers)
    const early = await sidecar.connect()
    await logIn(early, alice)
    await early.close()
    await cluster.stop()
    const client = await sidecar.connect()
    await client.ask(apis.saslHandshake, 1, { mechanism: 'PLAIN' })
    client.write(frameOf(apis.saslAuthenticate, 1, { authBytes: plain(alice) }))
    // A client takes 58 for final and gives up; the end of the connection it tries again.
    await client.closed
    expect(client.frames).toEqual([])
    expect(sidecar.seen.failures).toContain('upstream_connect')
  })

  test('a mechanism that cannot be passed through is refused, with those that can', async () => {
    const cluster = await startCluster()
    const sidecar = await startSidecar(cluster.bootstrapServers)
    const client = await sidecar.connect()
    const answer = await client.ask(apis.saslHandshake, 1, { mechanism: 'SCRAM-SHA-256' })
    expect(answer).toMatchObject({
      errorCode: errorCodes.UNSUPPORTED_SASL_MECHANISM,
      mechanisms: ['PLAIN'],
    })
    await client.closed
    expect(sidecar.seen.failures).toEqual(['auth_downstream'])
    expect(complaintOf(sidecar).err).toMatch(
      /wants to log in by "SCRAM-SHA-256"; offered here: PLAIN/,
    )
  })

  test('bare tokens (SaslHandshake v0): good', async () => {
    const cluster = await startCluster()
    const sidecar = await startSidecar(cluster.bootstrapServers)
    const client = await sidecar.connect()
    await logInBare(client, alice)
    expect((await client.next()).length).toBe(0)
    await expectServed(client)
  })

  test('bare tokens (SaslHandshake v0): bad ones are answered by the end', async () => {
    const cluster = await startCluster()
    const sidecar = await startSidecar(cluster.bootstrapServers)
    const client = await sidecar.connect()
    await logInBare(client, { ...alice, password: 'wrong' })
    await client.closed
    expect(client.frames).toEqual([])
  })

  test('a login in one piece with what follows it', async () => {
    const cluster = await startCluster()
    const sidecar = await startSidecar(cluster.bootstrapServers)
    for (const version of [0, 1]) {
      const client = await sidecar.connect()
      const token = plain(alice)
      client.write(
        Buffer.concat([
          frameOf(apis.saslHandshake, version, { mechanism: 'PLAIN' }),
          version === 0
            ? Buffer.concat([Buffer.from([0, 0, 0, token.length]), token])
            : frameOf(apis.saslAuthenticate, 1, { authBytes: token }),
          frameOf(apis.metadata, 9, { topics: [] }),
        ]),
      )
      await client.next()
      await client.next()
      expect(answerOf(apis.metadata, 9, await client.next()).brokers).toHaveLength(2)
      await client.close()
    }
  })

  test('no login at all: the client waits for nothing that comes', async () => {
    const cluster = await startCluster()
    const sidecar = await startSidecar(cluster.bootstrapServers, {
      limits: { connectTimeoutMs: 500 },
    })
    const client = await sidecar.connect()
    await client.ask(apis.apiVersions, 0, {})
    client.write(frameOf(apis.metadata, 9, { topics: [] }))
    await client.closed
    expect(sidecar.seen.failures).toContain('upstream_connect')
    const text = JSON.stringify(sidecar.lines)
    expect(text).toMatch(/does it want a login \(source.sasl\)/)
  })

  test('another user on a connection that is logged in: refused', async () => {
    const cluster = await startCluster()
    const sidecar = await startSidecar(cluster.bootstrapServers)
    const client = await sidecar.connect()
    await logIn(client, alice)
    await expectServed(client)
    expect((await logIn(client, bob)).errorCode).toBe(errorCodes.SASL_AUTHENTICATION_FAILED)
    await client.closed
    expect(JSON.stringify(sidecar.lines)).toMatch(/may not change its user/)
  })

  test('the same user again, in the middle of requests (KIP-368): goes on', async () => {
    const cluster = await startCluster()
    const sidecar = await startSidecar(cluster.bootstrapServers)
    const client = await sidecar.connect()
    await logIn(client, alice)
    for (let i = 0; i < 3; i++) {
      await expectServed(client)
      expect((await logIn(client, alice)).errorCode).toBe(0)
    }
    await expectServed(client)
    expect(sidecar.seen.failures).toEqual([])
  })

  test('SaslAuthenticate out of the blue: 34, the end', async () => {
    const cluster = await startCluster()
    const sidecar = await startSidecar(cluster.bootstrapServers)
    const client = await sidecar.connect()
    const answer = await client.ask(apis.saslAuthenticate, 1, { authBytes: plain(alice) })
    expect(answer.errorCode).toBe(errorCodes.ILLEGAL_SASL_STATE)
    await client.closed
    expect(sidecar.seen.failures).toEqual(['auth_downstream'])
  })
})

describe('a cluster for which the sidecar has credentials', () => {
  test.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)(
    '%s: clients need none',
    async (mechanism) => {
      const cluster = await startCluster()
      const identity = { mechanism, ...alice }
      const sidecar = await startSidecar(cluster.bootstrapServers, { source: { identity } })
      await untilReady(sidecar)
      const client = await sidecar.connect(1)
      await expectServed(client)
      expect(sidecar.seen.failures).toEqual([])
    },
  )

  test('wrong ones: the operator is told at once, and clients are sent away', async () => {
    const cluster = await startCluster()
    const identity = { mechanism: 'PLAIN' as const, ...alice, password: 'wrong' }
    const sidecar = await startSidecar(cluster.bootstrapServers, {
      source: { identity },
      limits: { connectTimeoutMs: 500 },
    })
    expect(await until(() => sidecar.seen.failures.includes('auth_upstream'), 2_000, 5)).toBe(true)
    const text = JSON.stringify(sidecar.lines)
    expect(text).toMatch(/refused user alice: Authentication failed/)
    expect(text).not.toContain('"wrong"')
    const client = await sidecar.connect()
    client.write(frameOf(apis.metadata, 9, { topics: [] }))
    await client.closed
  })
})

describe('users of the sidecar itself', () => {
  const start = async (sourceHasUsers = false): Promise<Sidecar> => {
    const cluster = await startCluster(sourceHasUsers)
    const identity = sourceHasUsers ? { mechanism: 'PLAIN' as const, ...bob } : null
    const users = await localUsers([alice])
    const sidecar = await startSidecar(cluster.bootstrapServers, {
      listen: { users },
      source: { identity },
    })
    await untilReady(sidecar)
    return sidecar
  }

  test.each([false, true])('PLAIN is served (a cluster with users: %s)', async (sourceHasUsers) => {
    const sidecar = await start(sourceHasUsers)
    const client = await sidecar.connect()
    expect((await logIn(client, alice)).errorCode).toBe(0)
    await expectServed(client)
    const other = await sidecar.connect()
    expect((await logIn(other, { ...alice, password: 'wrong' })).errorCode).toBe(58)
    await other.closed
    expect(sidecar.seen.failures).toEqual(['auth_downstream'])
    await expectServed(client)
  })

  test.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)(
    'kafkajs logs in by %s',
    async (mechanism) => {
      const sidecar = await start()
      const connect = async (sasl: SASLOptions): Promise<string[]> => {
        const kafka = new Kafka({
          brokers: [`127.0.0.1:${sidecar.port}`],
          sasl,
          logLevel: logLevel.NOTHING,
        })
        const admin = kafka.admin({ retry: { retries: 0 } })
        try {
          await admin.connect()
          return await admin.listTopics()
        } finally {
          await admin.disconnect()
        }
      }
      expect(await connect({ mechanism, ...alice })).toContain('orders')
      await expect(connect({ mechanism, ...alice, password: 'wrong' })).rejects.toThrow(
        /invalid credentials/,
      )
      await expect(connect({ mechanism, ...bob })).rejects.toThrow(/invalid credentials/)
    },
  )

  test('before the login only ApiVersions and the login are answered', async () => {
    const sidecar = await start()
    const client = await sidecar.connect()
    expect((await client.ask(apis.apiVersions, 3, {})).errorCode).toBe(0)
    client.write(frameOf(apis.metadata, 9, { topics: [] }))
    await client.closed
    expect(client.frames).toEqual([])
    expect(sidecar.seen.failures).toEqual(['auth_downstream'])
    expect(complaintOf(sidecar).err).toBe('an application sent Metadata before it logged in')
  })

  test('between the handshake and the token nothing else is answered', async () => {
    const sidecar = await start()
    const client = await sidecar.connect()
    await client.ask(apis.saslHandshake, 1, { mechanism: 'PLAIN' })
    client.write(frameOf(apis.produce, 9, produce({ 'orders/0': ['v'] })))
    await client.closed
    expect(sidecar.seen.failures).toEqual(['auth_downstream'])
  })

  test('garbage for a token is refused like a wrong password', async () => {
    const sidecar = await start()
    for (const authBytes of [Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(300, 0xff)]) {
      const client = await sidecar.connect()
      await client.ask(apis.saslHandshake, 1, { mechanism: 'SCRAM-SHA-256' })
      const { errorCode } = await client.ask(apis.saslAuthenticate, 1, { authBytes })
      expect(errorCode).toBe(errorCodes.SASL_AUTHENTICATION_FAILED)
      await client.closed
    }
    expect(new Set(sidecar.seen.failures)).toEqual(new Set(['auth_downstream']))
  })
})
