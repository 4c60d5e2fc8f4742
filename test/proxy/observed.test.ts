import { afterEach, beforeEach, expect, test } from 'vitest'
import type { EmbeddedCluster } from '../../src/embedded/index.ts'
import { apis } from '../../src/protocol/index.ts'
import { until } from '../kafka/ports.ts'
import { questions, type Question } from './questions.ts'
import { startSidecar, stopSidecars, untilReady, type Sidecar } from './sidecar.ts'
import { expectAnswers, startThreeBrokers } from './three-brokers.ts'

/** What operators are told is what happened. */
let cluster: EmbeddedCluster
let sidecar: Sidecar
beforeEach(async () => {
  cluster = await startThreeBrokers()
  sidecar = await startSidecar(cluster.bootstrapServers)
  await untilReady(sidecar)
})
afterEach(async () => {
  await stopSidecars()
  await cluster.stop()
})

test('each answered request once, and by whom it was answered', async () => {
  const client = await sidecar.connect()
  const asked: readonly (readonly [Question, number, 'source' | 'sidecar'])[] = [
    [questions.versions(), apis.apiVersions.key, 'sidecar'],
    [questions.metadata(), apis.metadata.key, 'source'],
    [questions.produceTo(0), apis.produce.key, 'source'],
    [questions.produceToAll(), apis.produce.key, 'source'],
    [questions.staleFetch(), apis.fetch.key, 'sidecar'],
    [questions.fetchFrom(1), apis.fetch.key, 'source'],
    [questions.fetchFromAll(), apis.fetch.key, 'source'],
    [questions.heartbeat(), apis.heartbeat.key, 'source'],
    [questions.findCoordinator(), apis.findCoordinator.key, 'source'],
  ]
  const list = asked.map(([question]) => question)
  client.write(Buffer.concat(list.map(({ frame }) => frame)))
  await expectAnswers(client, list)
  expect(sidecar.seen.answers).toEqual(asked.map(([, apiKey, answerer]) => ({ apiKey, answerer })))
  await client.close()
})

test('every byte from and to clients', async () => {
  const client = await sidecar.connect()
  const list = [
    questions.versions(),
    questions.metadata(),
    questions.produceTo(0),
    questions.produceToAll(),
    questions.produceAcks0(0),
    questions.staleFetch(),
    questions.fetchFromAll(),
  ]
  const bytes = Buffer.concat(list.map(({ frame }) => frame))
  client.write(bytes)
  await expectAnswers(client, list)
  const { seen } = sidecar
  expect(seen.bytes.get('received client')).toBe(bytes.length)
  expect(seen.bytes.get('sent client')).toBe(client.receivedBytes)
  await client.close()
})

test('connections, on either side, from their first moment to their last', async () => {
  const { seen, proxy } = sidecar
  const idle = seen.upstreams
  const clients = await Promise.all([sidecar.connect(), sidecar.connect(1), sidecar.connect(2)])
  for (const client of clients) {
    const asked = questions.fetchFromAll()
    client.write(asked.frame)
    await expectAnswers(client, [asked])
  }
  expect([seen.downstreams, proxy.connections]).toEqual([3, 3])
  expect(seen.upstreams).toBe(idle + 9)
  for (const client of clients) await client.close()
  expect(await until(() => seen.downstreams === 0 && seen.upstreams === idle, 2_000, 5)).toBe(true)
  expect(proxy.connections).toBe(0)
})
