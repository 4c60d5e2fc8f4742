import { once } from 'node:events'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { apis, encodeResponse } from '../../src/protocol/index.ts'
import { until } from '../kafka/ports.ts'
import { answerOf, frameOf, type Client } from './client.ts'
import { fetch } from './requests.ts'
import { startScripted, stopScripted, type ScriptedRequest } from './scripted.ts'
import { complaintOf, startSidecar, stopSidecars, untilReady, type Sidecar } from './sidecar.ts'

/** Who does not read stops only who writes to it. */
afterEach(async () => {
  await stopSidecars()
  await stopScripted()
}, 40_000)

const mebibyte = 2 ** 20
/** What the kernel takes of one connection, both ends, with a margin. */
const kernelBytesMax = 32 * mebibyte
const records = Buffer.alloc(mebibyte, 0x5a)

const listedGroups = ({ apiVersion, correlationId }: ScriptedRequest): Buffer =>
  encodeResponse(apis.listGroups, apiVersion, correlationId, { errorCode: 0, groups: [] })
const fetched = ({ apiVersion, correlationId }: ScriptedRequest): Buffer =>
  encodeResponse(apis.fetch, apiVersion, correlationId, {
    sessionId: 0,
    responses: [
      {
        topic: 'orders',
        partitions: [
          { partitionIndex: 0, errorCode: 0, highWatermark: 1n, abortedTransactions: [], records },
        ],
      },
    ],
  })

/** A broker that answers each Fetch with a megabyte, as fast as it is taken. */
const script = (request: ScriptedRequest): boolean => {
  const { apiKey, socket } = request
  if (apiKey === apis.listGroups.key) socket.write(listedGroups(request))
  else if (apiKey === apis.fetch.key) queueAnswer(socket, request)
  else return false
  return true
}
const queues = new WeakMap<Socket, Promise<void>>()
function queueAnswer(socket: Socket, request: ScriptedRequest): void {
  const write = async (): Promise<void> => {
    await queues.get(socket)
    socket.setMaxListeners(0)
    if (socket.destroyed || socket.write(fetched(request))) return
    await Promise.race([once(socket, 'drain'), once(socket, 'close')])
  }
  queues.set(
    socket,
    write().catch(() => undefined),
  )
}

/** How long 50 round trips of a client take at most, one after the other. */
async function slowestRoundTrip(client: Client): Promise<number> {
  let slowest = 0
  for (let i = 0; i < 50; i++) {
    const start = performance.now()
    await client.ask(apis.listGroups, 2, {})
    slowest = Math.max(slowest, performance.now() - start)
  }
  return slowest
}

const received = ({ seen }: Sidecar, peer: 'source' | 'client'): number =>
  seen.bytes.get(`received ${peer}`) ?? 0

/** Waits until a number stands still. */
async function untilStill(value: () => number): Promise<number> {
  let last = -1
  await until(
    () => {
      const now = value()
      const isStill = now === last
      last = now
      return isStill
    },
    20_000,
    150,
  )
  return last
}

describe('a client that does not read', () => {
  const asks = 300

  test('stops its broker, costs little memory, and gets everything once it reads', async () => {
    const cluster = await startScripted({ brokers: 2, topics: { orders: 2 }, script })
    const sidecar = await startSidecar(cluster.bootstrapServers)
    await untilReady(sidecar)
    const bystanders = [await sidecar.connect(1), await sidecar.connect(2)]
    const client = await sidecar.connect(1)
    client.socket.pause()
    for (let i = 0; i < asks; i++) client.write(frameOf(apis.fetch, 12, fetch({ 'orders/0': 0n })))
    const taken = await untilStill(() => received(sidecar, 'source'))
    expect(taken).toBeGreaterThan(mebibyte)
    expect(taken).toBeLessThan(kernelBytesMax)
    expect(sidecar.proxy.bufferedBytes).toBeLessThan(4 * mebibyte)
    for (const bystander of bystanders) expect(await slowestRoundTrip(bystander)).toBeLessThan(250)
    expect(received(sidecar, 'source')).toBeLessThan(kernelBytesMax)

    client.socket.resume()
    for (let i = 0; i < asks; i++) {
      const { responses } = answerOf(apis.fetch, 12, await client.next())
      expect(responses[0]?.partitions[0]?.records?.equals(records)).toBe(true)
    }
    expect(sidecar.seen.failures).toEqual([])
    await client.close()
  }, 60_000)

  test('is closed after limits.unreadAnswerTimeout, and all that it held is free', async () => {
    const cluster = await startScripted({ brokers: 2, topics: { orders: 2 }, script })
    const limits = { unreadAnswerTimeoutMs: 500 }
    const sidecar = await startSidecar(cluster.bootstrapServers, { limits })
    await untilReady(sidecar)
    const bystander = await sidecar.connect(2)
    await slowestRoundTrip(bystander)
    const upstreams = sidecar.seen.upstreams
    const client = await sidecar.connect(1)
    client.socket.pause()
    for (let i = 0; i < asks; i++) client.write(frameOf(apis.fetch, 12, fetch({ 'orders/0': 0n })))
    expect(await until(() => sidecar.seen.failures.length > 0, 10_000, 20)).toBe(true)
    expect(sidecar.seen.failures).toEqual(['client_idle'])
    expect(complaintOf(sidecar)).toMatchObject({ message: 'a client connection was closed' })
    expect(complaintOf(sidecar).err).toMatch(
      /^an application left \d+ bytes of answers unread for 500 ms \(limits.unreadAnswerTimeout\)$/,
    )
    expect(await until(() => sidecar.proxy.connections === 1, 10_000, 20)).toBe(true)
    expect(await until(() => sidecar.seen.upstreams === upstreams, 2_000, 20)).toBe(true)
    expect(await slowestRoundTrip(bystander)).toBeLessThan(250)
    await client.close()
  }, 60_000)

  test('though it reads a little now and then, is not closed', async () => {
    const cluster = await startScripted({ topics: { orders: 1 }, script })
    const limits = { unreadAnswerTimeoutMs: 1_500 }
    const sidecar = await startSidecar(cluster.bootstrapServers, { limits })
    await untilReady(sidecar)
    const client = await sidecar.connect(1)
    for (let i = 0; i < 60; i++) client.write(frameOf(apis.fetch, 12, fetch({ 'orders/0': 0n })))
    const end = performance.now() + 5_000
    while (performance.now() < end) {
      client.socket.pause()
      await new Promise((resolve) => setTimeout(resolve, 400))
      const before = client.receivedBytes
      client.socket.resume()
      await until(() => client.receivedBytes > before + 2 * mebibyte, 400, 1)
    }
    client.socket.resume()
    for (let i = 0; i < 60; i++) await client.next()
    expect(sidecar.seen.failures).toEqual([])
    await client.close()
  }, 60_000)
})

describe('a broker that does not read', () => {
  async function setUp(limits: Parameters<typeof startSidecar>[1] = {}) {
    const deaf: Socket[] = []
    let isDeaf = false
    const cluster = await startScripted({
      brokers: 2,
      topics: { orders: 2 },
      script,
      onConnection: (socket) => {
        if (isDeaf && socket.localPort === portOf(cluster.bootstrapServers, 0)) deaf.push(socket)
        return deaf.includes(socket)
      },
    })
    const sidecar = await startSidecar(cluster.bootstrapServers, limits)
    await untilReady(sidecar)
    const bystander = await sidecar.connect(2)
    await slowestRoundTrip(bystander)
    isDeaf = true
    return { sidecar, bystander, deaf }
  }
  const portOf = (servers: string, i: number): number =>
    Number(servers.split(',')[i]?.split(':')[1])
  const big = Buffer.alloc(90 * mebibyte)
  const produce = (acks: 0 | 1): Buffer => {
    const topicData = [{ name: 'orders', partitionData: [{ index: 0, records: big }] }]
    return frameOf(apis.produce, 9, { acks, timeoutMs: 1_000, topicData })
  }

  test.each([0, 1] as const)(
    'stops its client (acks=%d), and goes on when it reads',
    async (acks) => {
      const { sidecar, bystander, deaf } = await setUp()
      const client = await sidecar.connect(1)
      const frame = produce(acks)
      client.write(frame)
      const taken = await untilStill(() => received(sidecar, 'client'))
      expect(taken).toBeGreaterThan(mebibyte)
      expect(taken).toBeLessThan(kernelBytesMax)
      expect(sidecar.proxy.bufferedBytes).toBeLessThan(4 * mebibyte)
      expect(await slowestRoundTrip(bystander)).toBeLessThan(250)
      let passed = 0
      deaf[0]?.on('data', (chunk: Buffer) => (passed += chunk.length))
      expect(await until(() => passed === frame.length, 20_000, 20)).toBe(true)
      await client.close()
    },
    60_000,
  )

  test.each([0, 1] as const)(
    'is given up after limits.answerTimeout (acks=%d)',
    async (acks) => {
      const { sidecar, bystander } = await setUp({ limits: { answerTimeoutMs: 500 } })
      const { upstreams } = sidecar.seen
      const client = await sidecar.connect(1)
      client.write(produce(acks))
      expect(await until(() => sidecar.seen.failures.length > 0, 10_000, 20)).toBe(true)
      expect(sidecar.seen.failures).toEqual(['upstream_timeout'])
      expect(complaintOf(sidecar).err).toMatch(
        acks === 0
          ? /^127.0.0.1:\d+ took nothing of what was sent to it for 500 ms \(limits.answerTimeout\)$/
          : /^127.0.0.1:\d+ (took nothing of what was sent|did not answer Produce)/,
      )
      expect(await until(() => sidecar.proxy.connections === 1, 15_000, 20)).toBe(true)
      expect(await until(() => sidecar.seen.upstreams === upstreams, 15_000, 20)).toBe(true)
      expect(await slowestRoundTrip(bystander)).toBeLessThan(250)
      await client.close()
    },
    60_000,
  )

  test('is given up when its clients are cut off', async () => {
    const { sidecar } = await setUp({ limits: { shutdownTimeoutMs: 500 } })
    for (let i = 0; i < 3; i++) (await sidecar.connect(1)).write(produce(0))
    await untilStill(() => received(sidecar, 'client'))
    await sidecar.proxy.stop()
    expect(await until(() => sidecar.seen.upstreams === 0, 8_000, 20)).toBe(true)
  }, 60_000)
})
