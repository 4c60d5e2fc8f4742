import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startEmbeddedCluster, type EmbeddedCluster } from '../../src/embedded/index.ts'
import { apis, errorCodes } from '../../src/protocol/index.ts'
import { batchOf, produceOf } from './batches.ts'
import { RawClient } from './raw-client.ts'

let cluster: EmbeddedCluster
let asked: RawClient

const open = async () => {
  const [broker] = cluster.brokers
  if (broker === undefined) throw new Error('no broker')
  return RawClient.open(broker)
}

beforeEach(async () => {
  cluster = await startEmbeddedCluster({ topics: [{ name: 'orders', partitions: 1 }] })
  asked = await open()
})

afterEach(async () => {
  asked.close()
  await cluster.stop()
})

const produce = async (value: string) => {
  const answer = await asked.ask(apis.produce, 9, produceOf('orders', 0, batchOf([value])))
  return answer.responses[0]?.partitionResponses[0]?.errorCode
}
const stored = () => cluster.log('orders', 0).map(({ value }) => value?.toString())
const refusal = {
  kind: 'answer',
  body: {
    responses: [
      {
        name: 'orders',
        partitionResponses: [
          { index: 0, errorCode: errorCodes.NOT_ENOUGH_REPLICAS, baseOffset: -1n },
        ],
      },
    ],
  },
} as const

describe('a control', () => {
  test('answers once instead of the broker, and sees who asked what', async () => {
    const seen: unknown[] = []
    cluster.control(apis.produce, (request, nodeId, { header }) => {
      seen.push([request.acks, nodeId, header.apiVersion, header.clientId])
      return refusal
    })
    expect([await produce('a'), await produce('b')]).toEqual([errorCodes.NOT_ENOUGH_REPLICAS, 0])
    expect(seen).toEqual([[-1, 1, 9, 'raw']])
    expect(stored()).toEqual(['b'])
  })

  test('is asked until it has an outcome, and stays if it is kept', async () => {
    let count = 0
    cluster.control(apis.produce, () => (++count === 2 ? refusal : undefined))
    expect([await produce('a'), await produce('b'), await produce('c')]).toEqual([0, 19, 0])
    const remove = cluster.control(apis.produce, () => refusal, { keep: true })
    expect([await produce('d'), await produce('e')]).toEqual([19, 19])
    remove()
    expect(await produce('f')).toBe(0)
  })

  test('drops the connection before the broker has seen the request', async () => {
    cluster.control(apis.produce, () => ({ kind: 'drop' }))
    await expect(produce('a')).rejects.toThrow('closed')
    expect(stored()).toEqual([])
  })

  test('loses the answer to what the broker has done', async () => {
    cluster.control(apis.produce, () => ({ kind: 'lose-answer' }))
    await expect(produce('a')).rejects.toThrow('closed')
    expect(stored()).toEqual(['a'])
  })

  test('swallows a request, while the connection goes on', async () => {
    cluster.control(apis.produce, () => ({ kind: 'swallow' }))
    asked.send(apis.produce, 9, produceOf('orders', 0, batchOf(['a'])))
    expect(await produce('b')).toBe(0)
    expect(stored()).toEqual(['b'])
  })

  test('delays a request, and what follows it on the connection only', async () => {
    cluster.control(apis.produce, () => ({ kind: 'delay', ms: 200 }))
    const start = performance.now()
    const late = produce('a')
    const other = await open()
    await other.ask(apis.produce, 9, produceOf('orders', 0, batchOf(['b'])))
    other.close()
    expect(await late).toBe(0)
    expect(performance.now() - start).toBeGreaterThan(190)
    expect(stored()).toEqual(['b', 'a'])
  })

  test('holds a request for as long as it likes', async () => {
    let release = () => {}
    const held = new Promise<undefined>((resolve) => (release = () => resolve(undefined)))
    cluster.control(apis.produce, () => held, { keep: true })
    const waiting = produce('a')
    const other = await open()
    await other.ask(apis.apiVersions, 0, {})
    other.close()
    expect(stored()).toEqual([])
    release()
    expect(await waiting).toBe(0)
  })
})
