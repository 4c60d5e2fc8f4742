import { once } from 'node:events'
import * as net from 'node:net'
import * as tls from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EmbeddedCluster } from '../../src/embedded/index.ts'
import { apis, encodeResponse } from '../../src/protocol/index.ts'
import { until } from '../kafka/ports.ts'
import { certificate } from '../security/certificates.ts'
import { clientOn, frameOf, type Client } from './client.ts'
import { questions, stored, type Question } from './questions.ts'
import { fetch, produce } from './requests.ts'
import { startScripted, stopScripted, type Script } from './scripted.ts'
import { startSidecar, stopSidecars, untilReady, type Sidecar } from './sidecar.ts'
import { expectAnswers, expectWritten, startThreeBrokers } from './three-brokers.ts'

const authority = certificate({ name: 'authority', authority: true })
const server = certificate({ name: '127.0.0.1', issuer: authority })
const stranger = certificate({ name: '127.0.0.1' })
const user = certificate({ name: 'user', issuer: authority })
const pem = ({ cert, key }: typeof server) => ({ cert, key })

afterEach(async () => {
  await stopSidecars()
  await stopScripted()
})

async function connectTls(port: number, options: tls.ConnectionOptions = {}): Promise<Client> {
  const socket = tls.connect({ port, host: '127.0.0.1', ca: authority.cert, ...options })
  await once(socket, 'secureConnect')
  return clientOn(socket)
}

describe('applications that speak TLS', () => {
  let cluster: EmbeddedCluster
  let sidecar: Sidecar
  beforeEach(async () => {
    cluster = await startThreeBrokers()
  })
  afterEach(() => cluster.stop())
  const start = async (ca?: string): Promise<void> => {
    const listener = { ...pem(server), ...(ca === undefined ? {} : { ca }) }
    sidecar = await startSidecar(cluster.bootstrapServers, { listen: { tls: listener } })
    await untilReady(sidecar)
  }

  test('are served like others, on every virtual broker', async () => {
    await start()
    for (const slot of [0, 1, 2, 3]) {
      const client = await connectTls(sidecar.port + slot)
      const asked: Question[] = [
        questions.versions(),
        questions.produceTo(0),
        questions.metadata(),
        questions.produceToAll(),
        questions.produceAcks0(1),
        questions.fetchFrom(1),
        questions.heartbeat(),
        questions.produceToNowhere(),
        questions.staleFetch(),
        questions.produceTo(2),
      ]
      client.write(Buffer.concat(asked.map(({ frame }) => frame)))
      await expectAnswers(client, asked)
      await expectWritten(cluster, asked)
      await client.close()
    }
  })

  test('megabytes either way, over slow readers', async () => {
    await start()
    const client = await connectTls(sidecar.port + 1)
    const value = 'v'.repeat(900_000)
    for (let i = 0; i < 12; i++) {
      client.write(frameOf(apis.produce, 9, produce({ 'orders/0': [`${i}${value}`] })))
    }
    for (let i = 0; i < 12; i++) await client.next()
    expect(stored(cluster, 0)).toHaveLength(12)
    client.socket.pause()
    for (let i = 0; i < 12; i++) {
      client.write(frameOf(apis.fetch, 12, fetch({ 'orders/0': BigInt(i) }, { maxBytes: 1000 })))
    }
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(sidecar.proxy.bufferedBytes).toBeLessThan(8 * 2 ** 20)
    client.socket.resume()
    for (let i = 0; i < 12; i++) {
      const frame = await client.next()
      expect(frame.includes(`${i}${value}`)).toBe(true)
    }
    await client.close()
  })

  test('a plaintext client is sent away with a line, and costs the others nothing', async () => {
    await start()
    const bystander = await connectTls(sidecar.port)
    const hostile = await sidecar.connect()
    hostile.write(frameOf(apis.apiVersions, 0, {}))
    await hostile.closed
    expect(sidecar.seen.failures).toEqual(['auth_downstream'])
    const [line] = sidecar.lines.filter(({ level }) => level === 'warn')
    expect(line?.message).toBe('an application could not open TLS')
    expect(line?.err).toMatch(/./)
    expect((await bystander.ask(apis.metadata, 9, { topics: [] })).brokers).toHaveLength(3)
    await bystander.close()
  })

  test('must show a certificate of the authority where one is configured', async () => {
    await start(authority.cert)
    const good = await connectTls(sidecar.port, pem(user))
    expect((await good.ask(apis.metadata, 9, { topics: [] })).brokers).toHaveLength(3)
    for (const options of [{}, pem(stranger)]) {
      const socket = tls.connect({
        port: sidecar.port,
        host: '127.0.0.1',
        ca: authority.cert,
        ...options,
      })
      socket.on('error', () => undefined)
      socket.on('secureConnect', () => socket.write(frameOf(apis.apiVersions, 0, {})))
      socket.on('data', () => expect.fail('an unknown client was answered'))
      await new Promise((resolve) => socket.once('close', resolve))
    }
    expect(sidecar.seen.failures).toEqual(['auth_downstream', 'auth_downstream'])
    expect((await good.ask(apis.metadata, 9, { topics: [] })).brokers).toHaveLength(3)
    await good.close()
  })

  test('that leave in the middle of a handshake leave nothing', async () => {
    await start()
    for (let i = 0; i < 20; i++) {
      const socket = net.connect({ port: sidecar.port, host: '127.0.0.1' })
      socket.on('error', () => undefined)
      await once(socket, 'connect')
      socket.write(Buffer.from([0x16, 3, 1, 2, 0, 1]))
      socket.destroy()
    }
    const client = await connectTls(sidecar.port)
    expect((await client.ask(apis.metadata, 9, { topics: [] })).brokers).toHaveLength(3)
    await client.close()
    expect(await until(() => sidecar.proxy.connections === 0, 2_000, 5)).toBe(true)
  })
})

describe('a cluster that speaks TLS', () => {
  const records = Buffer.alloc(3_000_000, 0x77)
  const script: Script = ({ apiKey, apiVersion, correlationId, socket }) => {
    if (apiKey !== apis.fetch.key) return false
    const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 1n, records }
    socket.write(
      encodeResponse(apis.fetch, apiVersion, correlationId, {
        sessionId: 0,
        responses: [{ topic: 'orders', partitions: [{ ...partition, abortedTransactions: [] }] }],
      }),
    )
    return true
  }

  test('is reached with its authority, and megabytes come through whole', async () => {
    const cluster = await startScripted({
      brokers: 2,
      topics: { orders: 2 },
      script,
      tls: pem(server),
    })
    const sidecar = await startSidecar(cluster.bootstrapServers, {
      source: { tls: { ca: authority.cert } },
    })
    await untilReady(sidecar)
    const client = await sidecar.connect(1)
    expect((await client.ask(apis.metadata, 9, { topics: [] })).brokers).toHaveLength(2)
    for (let i = 0; i < 5; i++) client.write(frameOf(apis.fetch, 12, fetch({ 'orders/0': 0n })))
    for (let i = 0; i < 5; i++) {
      const frame = await client.next()
      expect(frame.includes(records)).toBe(true)
    }
    expect(sidecar.seen.failures).toEqual([])
    await client.close()
  })

  test('and whose certificate nobody vouches for is not spoken to; the operator is told why', async () => {
    const cluster = await startScripted({ script, tls: pem(stranger) })
    const sidecar = await startSidecar(cluster.bootstrapServers, {
      source: { tls: { ca: authority.cert } },
      limits: { connectTimeoutMs: 500 },
    })
    expect(await until(() => sidecar.seen.failures.length > 0, 2_000, 5)).toBe(true)
    expect(JSON.stringify(sidecar.lines)).toMatch(/self-signed|certificate/)
    expect(sidecar.proxy.readiness.ok).toBe(false)
    const client = await sidecar.connect()
    client.write(frameOf(apis.metadata, 9, { topics: [] }))
    await client.closed
  })

  test('spoken to in plaintext, or plaintext spoken to in TLS: named', async () => {
    const tlsCluster = await startScripted({ script, tls: pem(server) })
    const plainCluster = await startThreeBrokers()
    for (const [servers, source] of [
      [tlsCluster.bootstrapServers, {}],
      [plainCluster.bootstrapServers, { tls: { ca: authority.cert } }],
    ] as const) {
      const sidecar = await startSidecar(servers, { source, limits: { connectTimeoutMs: 700 } })
      expect(await until(() => sidecar.seen.failures.length > 0, 2_500, 5)).toBe(true)
      expect(sidecar.lines.map(({ message }) => message)).toContain('a broker could not be used')
      expect(JSON.stringify(sidecar.lines)).toMatch(/TLS|tls/)
      await sidecar.stop()
    }
    await plainCluster.stop()
  })
})
