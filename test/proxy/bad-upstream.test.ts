import type { Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { ErrorKind } from '../../src/errors.ts'
import { apis, encodeResponse } from '../../src/protocol/index.ts'
import { until } from '../kafka/ports.ts'
import { frameOf, type Client } from './client.ts'
import { fetch, listOffsets, produce } from './requests.ts'
import { startScripted, stopScripted, type ScriptedRequest } from './scripted.ts'
import { complaintOf, startSidecar, stopSidecars, untilReady, type Sidecar } from './sidecar.ts'

/**
 * What a broker may do instead of answering. The client that waits for it is closed, as by a broker that
 * dies; one that talks to another broker, or comes later, is served.
 */
afterEach(async () => {
  await stopSidecars()
  await stopScripted()
})

const int32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length)
  values.forEach((value, i) => bytes.writeInt32BE(value, 4 * i))
  return bytes
}
const listedGroups = ({ apiVersion, correlationId }: ScriptedRequest): Buffer =>
  encodeResponse(apis.listGroups, apiVersion, correlationId, { errorCode: 0, groups: [] })
const fetched = (request: ScriptedRequest, records: Buffer): Buffer =>
  encodeResponse(apis.fetch, request.apiVersion, request.correlationId, {
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

/** What broker 1 does when it is asked; broker 2 is well-behaved. */
type Misdeed = (socket: Socket, request: ScriptedRequest) => void

const requests = {
  stream: frameOf(apis.listGroups, 2, {}, 5),
  collect: frameOf(apis.findCoordinator, 3, { key: 'billing', keyType: 0 }, 5),
  produce: frameOf(apis.produce, 9, produce({ 'orders/0': ['v'] }), 5),
  fetch: frameOf(apis.fetch, 12, fetch({ 'orders/0': 0n }), 5),
  split: frameOf(apis.listOffsets, 5, listOffsets(['orders/0', 'orders/1']), 5),
} as const

const cases: readonly {
  readonly name: string
  readonly of: keyof typeof requests
  readonly misdeed: Misdeed
  readonly kind: ErrorKind
  readonly err: RegExp
}[] = [
  {
    name: 'garbage',
    of: 'stream',
    misdeed: (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
    kind: 'upstream_invalid',
    err: /^127.0.0.1:\d+ sent an answer with a wrong length or correlation id$/,
  },
  {
    name: 'a wrong correlation id',
    of: 'stream',
    misdeed: (socket) => socket.write(int32(10, 6, 0, 0)),
    kind: 'upstream_invalid',
    err: /sent an answer with a wrong length or correlation id$/,
  },
  {
    name: 'a negative length',
    of: 'produce',
    misdeed: (socket) => socket.write(int32(-1, 5)),
    kind: 'upstream_invalid',
    err: /sent an answer with a wrong length or correlation id$/,
  },
  {
    name: 'a length without room for a header',
    of: 'fetch',
    misdeed: (socket) => socket.write(int32(3, 5)),
    kind: 'upstream_invalid',
    err: /sent an answer with a wrong length or correlation id$/,
  },
  {
    name: 'an answer too long to be looked at',
    of: 'collect',
    misdeed: (socket) => socket.write(int32(50_001, 5)),
    kind: 'upstream_invalid',
    err: /announced an answer of 50001 bytes, above limits.rewrittenResponseBytes$/,
  },
  {
    name: 'an answer to Produce too long to be looked at',
    of: 'produce',
    misdeed: (socket) => socket.write(int32(0x7fffffff, 5)),
    kind: 'upstream_invalid',
    err: /announced an answer of 2147483647 bytes, above limits.rewrittenResponseBytes$/,
  },
  {
    name: 'two answers to one question',
    of: 'stream',
    misdeed: (socket, request) =>
      socket.write(Buffer.concat([listedGroups(request), listedGroups(request)])),
    kind: 'upstream_invalid',
    err: /sent an answer that nobody asked for$/,
  },
  {
    name: 'an answer that does not decode',
    of: 'collect',
    misdeed: (socket) => socket.write(Buffer.concat([int32(12, 5), Buffer.alloc(8, 0xff)])),
    kind: 'upstream_invalid',
    err: /^a broker answered FindCoordinator v3 with bytes that cannot be read: /,
  },
  {
    name: 'a part of a split answer that does not decode',
    of: 'split',
    misdeed: (socket) => socket.write(Buffer.concat([int32(12, 5), Buffer.alloc(8, 0xff)])),
    kind: 'upstream_invalid',
    err: /^a broker answered ListOffsets v5 with bytes that cannot be read: /,
  },
  {
    name: 'a refused Produce that does not decode',
    of: 'produce',
    misdeed: (socket) => socket.write(Buffer.concat([int32(12, 5), Buffer.alloc(8, 0x7f)])),
    kind: 'upstream_invalid',
    err: /^a broker answered Produce v9 with bytes that cannot be read: /,
  },
  {
    name: 'the end of the connection',
    of: 'stream',
    misdeed: (socket) => socket.end(),
    kind: 'upstream_closed',
    err: /^127.0.0.1:\d+ closed the connection$/,
  },
  {
    name: 'a reset',
    of: 'collect',
    misdeed: (socket) => socket.resetAndDestroy(),
    kind: 'upstream_closed',
    err: /^127.0.0.1:\d+ closed the connection: .*ECONNRESET/,
  },
  {
    name: 'the end in the middle of a length',
    of: 'stream',
    misdeed: (socket) => socket.end(Buffer.from([0, 0])),
    kind: 'upstream_closed',
    err: /^127.0.0.1:\d+ closed the connection$/,
  },
  {
    name: 'the end in the middle of what is passed on',
    of: 'fetch',
    misdeed: (socket, request) =>
      socket.end(fetched(request, Buffer.alloc(9_000)).subarray(0, 7_000)),
    kind: 'upstream_closed',
    err: /^127.0.0.1:\d+ closed the connection$/,
  },
  {
    name: 'the end in the middle of what is gathered',
    of: 'collect',
    misdeed: (socket) => socket.end(Buffer.concat([int32(1_000, 5), Buffer.alloc(500)])),
    kind: 'upstream_closed',
    err: /^127.0.0.1:\d+ closed the connection$/,
  },
  {
    name: 'the end of one connection of a split',
    of: 'split',
    misdeed: (socket) => socket.end(),
    kind: 'upstream_closed',
    err: /^127.0.0.1:\d+ closed the connection$/,
  },
  {
    name: 'silence',
    of: 'stream',
    misdeed: () => undefined,
    kind: 'upstream_timeout',
    err: /^127.0.0.1:\d+ did not answer ListGroups within \d+ ms \(limits.answerTimeout is 300\)$/,
  },
  {
    name: 'silence in the middle of an answer',
    of: 'fetch',
    misdeed: (socket, request) =>
      socket.write(fetched(request, Buffer.alloc(9_000)).subarray(0, 7_000)),
    kind: 'upstream_timeout',
    err: /did not answer Fetch within \d+ ms \(limits.answerTimeout is 300\)$/,
  },
  {
    name: 'silence of one broker of a split',
    of: 'split',
    misdeed: () => undefined,
    kind: 'upstream_timeout',
    err: /did not answer ListOffsets within \d+ ms \(limits.answerTimeout is 300\)$/,
  },
]

const limits = { answerTimeoutMs: 300, rewrittenResponseBytesMax: 50_000 }
const dataApis: readonly number[] = [
  apis.listGroups.key,
  apis.findCoordinator.key,
  apis.produce.key,
  apis.fetch.key,
  apis.listOffsets.key,
]

async function setUp(misdeed: Misdeed) {
  let isGood = false
  const cluster = await startScripted({
    brokers: 2,
    topics: { orders: 2 },
    script: (request) => {
      const { apiKey, nodeId, socket } = request
      if (!dataApis.includes(apiKey)) return false
      if (nodeId === 1 && !isGood) misdeed(socket, request)
      else if (apiKey === apis.listGroups.key) socket.write(listedGroups(request))
      else if (apiKey === apis.listOffsets.key) socket.write(offsets(request))
      else return false
      return true
    },
  })
  const sidecar = await startSidecar(cluster.bootstrapServers, { limits })
  await untilReady(sidecar)
  return {
    sidecar,
    recover: () => {
      isGood = true
    },
  }
}

const offsets = ({ apiVersion, correlationId }: ScriptedRequest): Buffer =>
  encodeResponse(apis.listOffsets, apiVersion, correlationId, {
    topics: [{ name: 'orders', partitions: [{ partitionIndex: 1, errorCode: 0 }] }],
  })

async function expectServed(client: Client): Promise<void> {
  expect((await client.ask(apis.listGroups, 2, {})).groups).toEqual([])
}

async function expectReported(sidecar: Sidecar, kind: ErrorKind, err: RegExp): Promise<void> {
  expect(await until(() => sidecar.seen.failures.length > 0, 5_000, 5)).toBe(true)
  expect(sidecar.seen.failures).toEqual([kind])
  const complaint = complaintOf(sidecar)
  expect(Object.keys(complaint).sort()).toEqual(['err', 'level', 'message', 'peer', 'sessionId'])
  expect(complaint).toMatchObject({ level: 'warn', message: 'a client connection was closed' })
  expect(complaint.err).toMatch(err)
}

describe('instead of an answer', () => {
  test.each(cases)('$name ($of)', async ({ of, misdeed, kind, err }) => {
    const { sidecar, recover } = await setUp(misdeed)
    const bystander = await sidecar.connect(2)
    await expectServed(bystander)
    const client = await sidecar.connect(1)
    client.write(requests[of])
    await expectServed(bystander)
    await client.closed
    await expectReported(sidecar, kind, err)
    await expectServed(bystander)
    recover()
    await expectServed(await sidecar.connect(1))
    // What it waited for on other brokers is closed too.
    const upstreamsOfBystanderNewcomerAndSidecar = 3
    const { seen } = sidecar
    await until(() => seen.upstreams <= upstreamsOfBystanderNewcomerAndSidecar, 2_000, 5)
    expect(seen.upstreams).toBeLessThanOrEqual(upstreamsOfBystanderNewcomerAndSidecar)
  })

  test('a Fetch too short to hold a session id is passed on', async () => {
    const { sidecar } = await setUp((socket) => socket.write(int32(6, 5, 0).subarray(0, 10)))
    const client = await sidecar.connect(1)
    client.write(requests.fetch)
    expect((await client.next()).length).toBe(6)
    await client.close()
  })
})

describe('to a question of the sidecar', () => {
  test('the end of the connection is not the end of the client', async () => {
    let asked = 0
    const cluster = await startScripted({
      brokers: 2,
      topics: { orders: 2 },
      script: (request) => {
        const { apiKey, apiVersion, correlationId, socket } = request
        if (apiKey === apis.metadata.key && request.frame.includes('nowhere')) {
          asked++
          socket.destroy()
          return true
        }
        if (apiKey !== apis.produce.key) return false
        const body = { index: 0, errorCode: 3, baseOffset: -1n }
        const responses = [{ name: 'nowhere', partitionResponses: [body] }]
        socket.write(encodeResponse(apis.produce, apiVersion, correlationId, { responses }))
        return true
      },
    })
    const sidecar = await startSidecar(cluster.bootstrapServers)
    await untilReady(sidecar)
    const client = await sidecar.connect(1)
    const answer = await client.ask(apis.produce, 9, produce({ 'nowhere/0': ['v'] }))
    expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(3)
    expect(asked).toBe(1)
    expect(sidecar.seen.failures).toEqual([])
    await client.close()
  })
})

describe('where no answer is asked for (acks=0)', () => {
  const acks0 = (): Buffer => frameOf(apis.produce, 9, produce({ 'orders/0': ['v'] }, 0))

  test('the end of the connection is the only sign of failure, and is passed on', async () => {
    const { sidecar } = await setUp((socket) => socket.end())
    const client = await sidecar.connect(1)
    client.write(acks0())
    await client.closed
    await expectReported(sidecar, 'upstream_closed', /^127.0.0.1:\d+ closed the connection$/)
  })

  test('an answer all the same is reported', async () => {
    const { sidecar } = await setUp((socket) => socket.write(int32(10, 5, 0, 0)))
    const client = await sidecar.connect(1)
    client.write(acks0())
    await client.closed
    await expectReported(sidecar, 'upstream_invalid', /sent an answer that nobody asked for$/)
  })
})

describe('with nothing owed', () => {
  test('the end of an idle connection is not the end of the client', async () => {
    let idle: Socket | undefined
    const cluster = await startScripted({
      brokers: 2,
      topics: { orders: 2 },
      script: (request) => {
        if (request.apiKey !== apis.listGroups.key) return false
        idle = request.socket
        request.socket.write(listedGroups(request))
        return true
      },
    })
    const sidecar = await startSidecar(cluster.bootstrapServers)
    await untilReady(sidecar)
    const client = await sidecar.connect(1)
    for (let i = 0; i < 3; i++) {
      await expectServed(client)
      const { upstreams } = sidecar.seen
      idle?.end()
      expect(await until(() => sidecar.seen.upstreams < upstreams, 2_000, 1)).toBe(true)
    }
    expect(sidecar.seen.failures).toEqual([])
    await client.close()
  })
})

describe('instead of accepting', () => {
  test('it closes new connections: the client is told soon, by the end of its own', async () => {
    let closes = false
    const cluster = await startScripted({
      brokers: 2,
      topics: { orders: 2 },
      script: (request) => {
        if (request.apiKey !== apis.listGroups.key) return false
        request.socket.write(listedGroups(request))
        return true
      },
      onConnection: (socket) => {
        if (closes) socket.destroy()
        return closes
      },
    })
    const sidecar = await startSidecar(cluster.bootstrapServers)
    await untilReady(sidecar)
    closes = true
    const client = await sidecar.connect(1)
    client.write(requests.stream)
    await client.closed
    expect(new Set(sidecar.seen.failures)).toEqual(new Set(['upstream_closed']))
    closes = false
    await expectServed(await sidecar.connect(1))
  })

  test('its port refuses: another broker answers what any broker can, and the client lives', async () => {
    const cluster = await startScripted({
      brokers: 2,
      topics: { orders: 2 },
      script: (request) => {
        if (request.apiKey !== apis.listGroups.key) return false
        request.socket.write(listedGroups(request))
        return true
      },
    })
    const sidecar = await startSidecar(cluster.bootstrapServers)
    await untilReady(sidecar)
    await cluster.refuse(1)
    const client = await sidecar.connect(1)
    const { brokers } = await client.ask(apis.metadata, 5, { topics: [] })
    expect(brokers).toHaveLength(2)
    await client.close()
  })
})
