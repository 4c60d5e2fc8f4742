import { Kafka, logLevel, type SASLOptions } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startEmbeddedCluster, type EmbeddedCluster } from '../../src/embedded/index.ts'
import { apis, errorCodes } from '../../src/protocol/index.ts'
import { RawClient } from './raw-client.ts'

let cluster: EmbeddedCluster
let asked: RawClient

beforeEach(async () => {
  const users = [{ username: 'alice', password: 'secret' }]
  cluster = await startEmbeddedCluster({ sasl: { users }, topics: [{ name: 't', partitions: 1 }] })
  const [broker] = cluster.brokers
  if (broker === undefined) throw new Error('no broker')
  asked = await RawClient.open(broker)
})

afterEach(async () => {
  asked.close()
  await cluster.stop()
})

const token = (password: string) => Buffer.from(`\0alice\0${password}`)

describe('a login', () => {
  test('comes before everything but ApiVersions', async () => {
    expect((await asked.ask(apis.apiVersions, 0, {})).errorCode).toBe(0)
    await expect(asked.ask(apis.metadata, 9, { topics: null })).rejects.toThrow('closed')
  })

  test('with PLAIN, by requests', async () => {
    expect(await asked.ask(apis.saslHandshake, 1, { mechanism: 'PLAIN' })).toMatchObject({
      errorCode: 0,
      mechanisms: ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'],
    })
    expect(
      (await asked.ask(apis.saslAuthenticate, 2, { authBytes: token('secret') })).errorCode,
    ).toBe(0)
    expect((await asked.ask(apis.metadata, 9, { topics: null })).topics).toHaveLength(1)
  })

  test('with PLAIN, by bare tokens after handshake 0', async () => {
    await asked.ask(apis.saslHandshake, 0, { mechanism: 'PLAIN' })
    const length = Buffer.alloc(4)
    length.writeInt32BE(token('secret').length)
    asked.write(Buffer.concat([length, token('secret')]))
    expect(await asked.frame()).toHaveLength(0)
    expect((await asked.ask(apis.metadata, 9, { topics: null })).topics).toHaveLength(1)
  })

  test('with a wrong password is refused and ends the connection', async () => {
    await asked.ask(apis.saslHandshake, 1, { mechanism: 'PLAIN' })
    const answer = await asked.ask(apis.saslAuthenticate, 2, { authBytes: token('wrong') })
    expect(answer.errorCode).toBe(errorCodes.SASL_AUTHENTICATION_FAILED)
    await expect(asked.ask(apis.metadata, 9, { topics: null })).rejects.toThrow('closed')
  })

  test('with an unknown mechanism is told the known ones', async () => {
    const answer = await asked.ask(apis.saslHandshake, 1, { mechanism: 'GSSAPI' })
    expect(answer.errorCode).toBe(errorCodes.UNSUPPORTED_SASL_MECHANISM)
    expect(answer.mechanisms).toContain('PLAIN')
  })

  const alice = { username: 'alice', password: 'secret' }
  const ways: readonly SASLOptions[] = [
    { mechanism: 'plain', ...alice },
    { mechanism: 'scram-sha-256', ...alice },
  ]
  test.each(ways)('of kafkajs with $mechanism', async (sasl) => {
    const kafka = new Kafka({
      brokers: cluster.bootstrapServers.split(','),
      logLevel: logLevel.NOTHING,
      sasl,
    })
    const admin = kafka.admin()
    await admin.connect()
    expect(await admin.listTopics()).toEqual(['t'])
    await admin.disconnect()
  })
})
