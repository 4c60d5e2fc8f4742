import * as net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EmbeddedCluster } from '../../src/embedded/index.ts'
import { apis } from '../../src/protocol/index.ts'
import { certificate } from '../security/certificates.ts'
import { isOpen, until } from '../kafka/ports.ts'
import { answerOf, frameOf, within } from './client.ts'
import { stored } from './questions.ts'
import { fetch, fetched, produce } from './requests.ts'
import { startSidecar, stopSidecars, untilReady } from './sidecar.ts'
import { startThreeBrokers } from './three-brokers.ts'

/** Stopping: nobody new, everybody's answer, and not for ever. */
let cluster: EmbeddedCluster
beforeEach(async () => {
  cluster = await startThreeBrokers()
})
afterEach(async () => {
  await stopSidecars()
  await cluster.stop()
})

const start = async (options: Parameters<typeof startSidecar>[1] = {}) => {
  const sidecar = await startSidecar(cluster.bootstrapServers, options)
  await untilReady(sidecar)
  return sidecar
}

describe('a sidecar that stops', () => {
  test('answers what is in flight, then closes; refuses who comes', async () => {
    const sidecar = await start()
    const [slow, idle, half] = [
      await sidecar.connect(1),
      await sidecar.connect(2),
      await sidecar.connect(3),
    ]
    await idle.ask(apis.metadata, 9, { topics: [] })
    await slow.ask(apis.metadata, 9, { topics: [] })
    cluster.control(apis.produce, () => ({ kind: 'delay', ms: 400 }))
    slow.write(frameOf(apis.produce, 9, produce({ 'orders/0': ['a'] })))
    slow.write(frameOf(apis.fetch, 12, fetch({ 'orders/0': 0n })))
    half.write(frameOf(apis.metadata, 9, { topics: [] }).subarray(0, 9))
    await sleep(50)
    const stopped = sidecar.stop()
    await idle.closed
    await half.closed
    expect(await isOpen(sidecar.port)).toBe(false)
    expect(await isOpen(sidecar.port + 1)).toBe(false)
    expect(sidecar.proxy.readiness.ok).toBe(false)
    // What comes now is not answered; what came before is.
    slow.write(frameOf(apis.metadata, 9, { topics: [] }))
    const { responses } = answerOf(apis.produce, 9, await slow.next())
    expect(responses[0]?.partitionResponses[0]?.errorCode).toBe(0)
    expect(fetched(answerOf(apis.fetch, 12, await slow.next()))).toEqual({ 'orders/0': ['a'] })
    await slow.closed
    expect(slow.frames).toEqual([])
    await stopped
    expect(sidecar.seen.failures).toEqual([])
  })

  test('lets a request that is being passed on come to its end (acks=1)', async () => {
    const sidecar = await start()
    const client = await sidecar.connect(1)
    await client.ask(apis.metadata, 9, { topics: [] })
    const frame = frameOf(apis.produce, 9, produce({ 'orders/0': ['x'.repeat(100_000)] }))
    client.write(frame.subarray(0, 60_000))
    await sleep(50)
    const stopped = sidecar.stop()
    await sleep(50)
    client.write(frame.subarray(60_000))
    await client.next()
    await client.closed
    await stopped
    expect(stored(cluster, 0)).toHaveLength(1)
  })

  test('the same where no answer is asked for (acks=0)', async () => {
    const sidecar = await start({ limits: { shutdownTimeoutMs: 3_000 } })
    const client = await sidecar.connect(1)
    await client.ask(apis.metadata, 9, { topics: [] })
    const frame = frameOf(apis.produce, 9, produce({ 'orders/0': ['x'.repeat(100_000)] }, 0))
    client.write(frame.subarray(0, 60_000))
    await sleep(50)
    const stopped = sidecar.stop()
    await sleep(50)
    client.write(frame.subarray(60_000))
    await within(1_500, 'the sidecar waits for nothing', client.closed)
    await stopped
    expect(await until(() => stored(cluster, 0).length === 1, 2_000, 5)).toBe(true)
  })

  test('flushes what was sent without asking for an answer', async () => {
    const sidecar = await start()
    const client = await sidecar.connect(1)
    await client.ask(apis.metadata, 9, { topics: [] })
    for (let i = 0; i < 20; i++) {
      client.write(frameOf(apis.produce, 9, produce({ 'orders/0': [`${i}`] }, 0)))
    }
    await until(() => (sidecar.seen.bytes.get('received client') ?? 0) > 20 * 100, 2_000, 1)
    await sidecar.stop()
    expect(await until(() => stored(cluster, 0).length === 20, 2_000, 5)).toBe(true)
  })

  test('does not read on from a client that goes on sending', async () => {
    const sidecar = await start({ limits: { shutdownTimeoutMs: 1_000 } })
    const client = await sidecar.connect(1)
    await client.ask(apis.metadata, 9, { topics: [] })
    cluster.control(apis.fetch, () => ({ kind: 'swallow' }))
    client.write(frameOf(apis.fetch, 12, fetch({ 'orders/0': 0n })))
    await sleep(50)
    const stopped = sidecar.stop()
    const flood = Buffer.alloc(2 ** 20)
    for (let i = 0; i < 64; i++) client.write(flood)
    await sleep(500)
    expect(sidecar.proxy.bufferedBytes).toBeLessThan(4 * 2 ** 20)
    await stopped
  })

  test('cuts off what does not end within limits.shutdownTimeout, and says how many', async () => {
    const sidecar = await start({ limits: { shutdownTimeoutMs: 300 } })
    const client = await sidecar.connect(1)
    await client.ask(apis.metadata, 9, { topics: [] })
    cluster.control(apis.fetch, () => ({ kind: 'swallow' }))
    client.write(frameOf(apis.fetch, 12, fetch({ 'orders/0': 0n })))
    await sleep(50)
    const began = performance.now()
    await sidecar.stop()
    expect(performance.now() - began).toBeLessThan(1_500)
    await client.closed
    expect(sidecar.lines.filter(({ level }) => level === 'warn')).toEqual([
      {
        level: 'warn',
        message: 'connections were cut off: they did not finish in time',
        value: 1,
        limit: 300,
      },
    ])
  })

  test('does not wait for who has not finished his TLS handshake', async () => {
    const { cert, key } = certificate({ name: '127.0.0.1' })
    const tls = { cert, key }
    const sidecar = await start({ listen: { tls }, limits: { shutdownTimeoutMs: 300 } })
    const silent = net.connect({ port: sidecar.port, host: '127.0.0.1' })
    silent.on('error', () => undefined)
    await sleep(50)
    await within(2_000, 'stop', sidecar.stop())
    silent.destroy()
  })

  test('in the moment in which it starts, leaves nothing open', async () => {
    for (const afterMs of [0, 1, 2, 4, 8, 16]) {
      const sidecar = await startSidecar(cluster.bootstrapServers)
      await sleep(afterMs)
      await sidecar.stop()
      for (let slot = 0; slot <= 3; slot++) expect(await isOpen(sidecar.port + slot)).toBe(false)
    }
  })

  test('while its source is away, does not wait for it', async () => {
    await cluster.stop()
    const sidecar = await startSidecar(cluster.bootstrapServers)
    const client = await sidecar.connect()
    client.write(frameOf(apis.metadata, 9, { topics: [] }))
    await sleep(100)
    await within(2_000, 'stop', sidecar.stop())
    await client.closed
  })
})
