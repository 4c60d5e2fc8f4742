import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import * as tls from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  explainTls,
  saslClient,
  saslMechanisms,
  upstreamTlsOptions,
  type ClusterTls,
  type Credentials,
  type SaslMechanism,
} from '../../src/security/index.ts'
import { requireKafka, startCluster, type Cluster } from '../kafka/index.ts'

const kafka = await requireKafka()

/** One request of the old, non-flexible kind, and its answer behind the correlation id. */
async function exchange(socket: tls.TLSSocket, apiKey: number, version: number, body: Buffer) {
  const head = Buffer.alloc(14)
  head.writeInt32BE(10 + body.length)
  head.writeInt16BE(apiKey, 4)
  head.writeInt16BE(version, 6)
  head.writeInt16BE(-1, 12)
  socket.write(Buffer.concat([head, body]))
  let answer = Buffer.alloc(0)
  while (answer.length < 4 || answer.length < 4 + answer.readInt32BE(0)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    answer = Buffer.concat([answer, chunk])
  }
  return answer.subarray(8)
}

/** SaslHandshake v1, then SaslAuthenticate v0 until the client is done; or the broker's refusal. */
async function login(socket: tls.TLSSocket, mechanism: SaslMechanism, credentials: Credentials) {
  const name = Buffer.from(`\0${String.fromCharCode(mechanism.length)}${mechanism}`, 'latin1')
  expect((await exchange(socket, 17, 1, name)).readInt16BE(0)).toBe(0)
  const client = saslClient(mechanism, credentials)
  let token = client.first()
  for (;;) {
    const size = Buffer.alloc(4)
    size.writeInt32BE(token.length)
    const answer = await exchange(socket, 36, 0, Buffer.concat([size, token]))
    const textEnd = 4 + Math.max(0, answer.readInt16BE(2))
    const errorCode = answer.readInt16BE(0)
    if (errorCode !== 0) return `${errorCode} ${answer.toString('utf8', 4, textEnd)}`
    const step = await client.next(answer.subarray(textEnd + 4))
    if (step.kind === 'done') return 'done'
    token = step.token
  }
}

const alice = { username: 'alice', password: 'alice-secret' }
const awkward = { username: 'c,=d', password: 'ßé€ª!' }
const loginModule = 'org.apache.kafka.common.security.plain.PlainLoginModule'
const properties = {
  'listener.name.client.plain.sasl.jaas.config': `${loginModule} required user_alice="alice-secret";`,
}

/** One mechanism at a time: KRaft refuses two in one request. */
async function store(cluster: Cluster, mechanism: string, username: string, password: string) {
  const user = ['--alter', '--entity-type', 'users', '--entity-name', username]
  const where = ['--bootstrap-server', cluster.internalServers]
  const credential = ['--add-config', `${mechanism}=[password=${password}]`]
  const how = { env: { LC_ALL: 'C.UTF-8' } }
  const args = [...where, ...user, ...credential]
  const result = await cluster.tool('kafka.admin.ConfigCommand', args, how)
  assert.equal(result.code, 0, result.stdout + result.stderr)
}

describe.skipIf(!kafka).each(['2.8.2', '4.3.1'])('a broker of Kafka %s, SASL_SSL', (version) => {
  let running: Cluster | undefined
  let trusting: ClusterTls
  beforeAll(async () => {
    running = await startCluster({
      version,
      brokers: 1,
      security: 'sasl_ssl',
      users: {},
      properties,
    })
    trusting = { ca: await readFile(running.certificate?.certificateFile ?? '', 'utf8') }
    for (const { username, password } of [alice, awkward])
      for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-512'])
        await store(running, mechanism, username, password)
  }, 120_000)
  afterAll(() => running?.stop())
  const cluster = () => running ?? assert.fail('the cluster did not start')

  const connect = async (config: ClusterTls, servers = cluster().bootstrapServers) => {
    const [host = '', port = '0'] = servers.split(':')
    const socket = tls.connect(upstreamTlsOptions(config, { host, port: Number(port) }))
    await once(socket, 'secureConnect')
    return socket
  }

  test.each(saslMechanisms)('lets in by %s, and tells a wrong password', async (mechanism) => {
    const attempts: readonly (readonly [Credentials, RegExp])[] = [
      [alice, /^done$/],
      [awkward, /^done$/],
      [{ ...alice, password: 'wrong' }, /^58 .*[Aa]uthentication/],
      [{ ...alice, username: 'nobody' }, /^58 .*[Aa]uthentication/],
    ]
    for (const [credentials, answer] of attempts) {
      // The broker's PLAIN users are options of a Java login module, whose names have no commas.
      if (mechanism === 'PLAIN' && credentials === awkward) continue
      const socket = await connect(trusting)
      expect(await login(socket, mechanism, credentials)).toMatch(answer)
      socket.destroy()
    }
  })

  test.each([
    ['without its authority', () => connect({}), /self-signed and not trusted: give it as tls\.ca/],
    [
      'for another name',
      () => connect({ ...trusting, serverName: 'broker.elsewhere' }),
      /is for another name: set tls\.serverName/,
    ],
    [
      'on its plaintext port',
      () => connect(trusting, cluster().internalServers),
      /plaintext Kafka port/,
    ],
  ])('is not trusted %s', async (_, attempt, sentence) => {
    const failure: unknown = await attempt().catch((err: unknown) => err)
    expect(explainTls(failure)).toMatch(sentence)
  })
})
