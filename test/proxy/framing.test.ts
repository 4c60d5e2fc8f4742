import { setImmediate as turn } from 'node:timers/promises'
import type { Socket } from 'node:net'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { apis, decodeRequest, encodeResponse } from '../../src/protocol/index.ts'
import { frameOf, type Client } from './client.ts'
import { questions, type Question } from './questions.ts'
import { fetch, produce } from './requests.ts'
import { startScripted, stopScripted, type ScriptedRequest } from './scripted.ts'
import { startSidecar, stopSidecars, untilReady } from './sidecar.ts'
import { expectAnswers, expectWritten, startThreeBrokers } from './three-brokers.ts'

/** TCP cuts bytes where it likes: no cut, on either side, changes what is answered. */
afterEach(async () => {
  await stopSidecars()
  await stopScripted()
})

describe('bytes of a client', () => {
  const asked = (): Question[] => [
    questions.versions(),
    questions.produceTo(0),
    questions.metadata(),
    questions.produceToAll(),
    questions.produceAcks0(1),
    questions.fetchFrom(1),
  ]

  test('cut in two, at every place', async () => {
    const cluster = await startThreeBrokers()
    const sidecar = await startSidecar(cluster.bootstrapServers)
    await untilReady(sidecar)
    const all: Question[] = []
    const ask = async (client: Client, cut: number): Promise<number> => {
      const list = asked()
      all.push(...list)
      const bytes = Buffer.concat(list.map(({ frame }) => frame))
      client.write(bytes.subarray(0, cut))
      await turn()
      await turn()
      client.write(bytes.subarray(cut))
      await expectAnswers(client, list)
      return bytes.length
    }
    const client = await sidecar.connect()
    const length = await ask(client, 1)
    for (let cut = 2; cut < length; cut++) await ask(client, cut)
    await expectWritten(cluster, all)
    await client.close()
    await cluster.stop()
  }, 120_000)

  test('a byte at a time', async () => {
    const cluster = await startThreeBrokers()
    const sidecar = await startSidecar(cluster.bootstrapServers)
    await untilReady(sidecar)
    const client = await sidecar.connect()
    const list = asked()
    for (const byte of Buffer.concat(list.map(({ frame }) => frame))) {
      client.write(Buffer.from([byte]))
      await turn()
    }
    await expectAnswers(client, list)
    await expectWritten(cluster, list)
    await client.close()
    await cluster.stop()
  })

  test('a Produce of megabytes streams through, in pieces of any size', async () => {
    const received: Buffer[] = []
    const cluster = await startScripted({
      topics: { orders: 1 },
      script: (request) => {
        if (request.apiKey !== apis.produce.key) return false
        const { topicData } = decodeRequest(
          apis.produce,
          request.apiVersion,
          request.frame,
          request.bodyOffset,
        )
        received.push(Buffer.from(topicData[0]?.partitionData[0]?.records ?? ''))
        request.socket.write(acked(request))
        return true
      },
    })
    const sidecar = await startSidecar(cluster.bootstrapServers)
    await untilReady(sidecar)
    const client = await sidecar.connect()
    const body = pattern(5_000_000)
    const topicData = [{ name: 'orders', partitionData: [{ index: 0, records: body }] }]
    const frame = frameOf(apis.produce, 9, { acks: 1, timeoutMs: 5_000, topicData })
    let sent = 0
    for (const size of [1, 3, 13, 60, 4096, 65_536, 1, 1_048_577, frame.length]) {
      client.write(frame.subarray(sent, sent + size))
      sent += size
      await turn()
    }
    await client.next()
    expect(received).toHaveLength(1)
    expect(received[0]?.equals(body)).toBe(true)
    await client.close()
  })
})

/** Bytes at whose place one can see whether they belong there. */
function pattern(length: number, seed = 0): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + seed) & 0xff
  return bytes
}

const acked = ({ apiVersion, correlationId }: ScriptedRequest): Buffer =>
  encodeResponse(apis.produce, apiVersion, correlationId, {
    responses: [
      { name: 'orders', partitionResponses: [{ index: 0, errorCode: 0, baseOffset: 7n }] },
    ],
  })

describe('bytes of a broker', () => {
  interface Asked {
    readonly api: 'fetch' | 'produce' | 'listGroups'
    readonly size: number
    readonly broker: number
  }
  const frameFor = ({ api, broker }: Asked, id: number): Buffer => {
    const place = `orders/${broker}`
    if (api === 'fetch') return frameOf(apis.fetch, 12, fetch({ [place]: 0n }), id)
    if (api === 'produce') return frameOf(apis.produce, 9, produce({ [place]: ['v'] }), id)
    return frameOf(apis.listGroups, 2, {}, id)
  }
  const answerFor = ({ api, size }: Asked, id: number): Buffer => {
    if (api === 'fetch') {
      const records = pattern(size, id)
      const highWatermark = 1n
      const partition = { partitionIndex: 0, errorCode: 0, highWatermark, records }
      return encodeResponse(apis.fetch, 12, id, {
        sessionId: 0,
        responses: [{ topic: 'orders', partitions: [{ ...partition, abortedTransactions: [] }] }],
      })
    }
    if (api === 'produce') {
      const errorMessage = null
      const part = { index: 0, errorCode: 0, baseOffset: BigInt(size), errorMessage }
      return encodeResponse(apis.produce, 9, id, {
        responses: [{ name: 'orders', partitionResponses: [part] }],
      })
    }
    const groups = Array.from({ length: Math.min(size, 3000) }, (_, i) => ({
      groupId: `group-${i}`,
      protocolType: 'consumer',
    }))
    return encodeResponse(apis.listGroups, 2, id, { errorCode: 0, groups })
  }

  const scenario = fc.record({
    asked: fc.array(
      fc.record({
        api: fc.constantFrom('fetch', 'fetch', 'produce', 'listGroups'),
        size: fc.oneof(fc.nat(50), fc.nat(5_000), fc.integer({ min: 60_000, max: 2_500_000 })),
        broker: fc.nat(1),
      }) satisfies fc.Arbitrary<Asked>,
      { minLength: 1, maxLength: 10 },
    ),
    chunks: fc.array(
      fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 200_000 })),
      {
        minLength: 1,
        maxLength: 6,
      },
    ),
  })

  test('in chunks of any size: every answer arrives as it was, in its order', async () => {
    const planned = new Map<number, Asked>()
    let chunks: readonly number[] = [1]
    const queues = new Map<Socket, Promise<void>>()
    /** Writes in the planned chunks, each in a turn of its own. */
    const writeCut = (socket: Socket, bytes: Buffer): void => {
      const before = queues.get(socket) ?? Promise.resolve()
      const write = async (): Promise<void> => {
        await before
        let start = 0
        for (let i = 0; start < bytes.length && !socket.destroyed; i++) {
          // After some small pieces the rest comes in one: megabytes by the byte take for ever.
          const size = i < 200 ? (chunks[i % chunks.length] ?? 1) : bytes.length
          socket.write(bytes.subarray(start, start + size))
          start += size
          await turn()
        }
      }
      queues.set(socket, write())
    }
    const cluster = await startScripted({
      brokers: 2,
      topics: { orders: 2 },
      script: ({ correlationId, socket }) => {
        const asked = planned.get(correlationId)
        if (asked === undefined) return false
        writeCut(socket, answerFor(asked, correlationId))
        return true
      },
    })
    const sidecar = await startSidecar(cluster.bootstrapServers)
    await untilReady(sidecar)
    let ids = 0
    await fc.assert(
      fc.asyncProperty(scenario, async (given) => {
        chunks = given.chunks
        planned.clear()
        const asked = given.asked.map((each): [number, Asked] => [++ids, each])
        for (const [id, each] of asked) planned.set(id, each)
        const client = await sidecar.connect(1)
        client.write(Buffer.concat(asked.map(([id, each]) => frameFor(each, id))))
        for (const [id, each] of asked) {
          const answer = await client.next()
          expect(answer.equals(answerFor(each, id).subarray(4))).toBe(true)
        }
        expect(client.frames).toEqual([])
        await client.close()
      }),
      { numRuns: 50, endOnFailure: true },
    )
  }, 120_000)
})
