import * as net from 'node:net'
import * as tls from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { limitDefaults } from '../../src/config/defaults.ts'
import { startEmbeddedCluster, type EmbeddedCluster } from '../../src/embedded/index.ts'
import type { ErrorKind } from '../../src/errors.ts'
import { apis } from '../../src/protocol/index.ts'
import { until } from '../kafka/ports.ts'
import { connectClient, frameOf, type Client } from './client.ts'
import { complaintOf, startSidecar, stopSidecars, untilReady, type Sidecar } from './sidecar.ts'

/**
 * What the outside may throw at a listener. Each case costs its sender the connection, and nobody else
 * anything: a bystander that was there before is served before, during and after it.
 */
let cluster: EmbeddedCluster
let sidecar: Sidecar
let bystander: Client

const limits = {
  requestBytesMax: 100_000,
  unfinishedRequestTimeoutMs: 300,
  connectionsMax: 4,
}

beforeEach(async () => {
  cluster = await startEmbeddedCluster({ brokers: 2, topics: [{ name: 'orders', partitions: 2 }] })
  sidecar = await startSidecar(cluster.bootstrapServers, { limits })
  await untilReady(sidecar)
  bystander = await sidecar.connect()
})
afterEach(async () => {
  await stopSidecars()
  await cluster.stop()
})

/** One round trip to the cluster, by a client that was there and by one that comes now. */
async function expectServed(): Promise<void> {
  const newcomer = await sidecar.connect(1)
  for (const client of [bystander, newcomer]) {
    const { topics } = await client.ask(apis.metadata, 12, { topics: [{ name: 'orders' }] })
    expect(topics[0]?.partitions).toHaveLength(2)
  }
  await newcomer.close()
}

/** What the operator is told: one line, one count. */
async function expectReported(kind: ErrorKind, err: RegExp): Promise<void> {
  expect(await until(() => sidecar.seen.failures.length > 0, 5_000, 5)).toBe(true)
  expect(sidecar.seen.failures).toEqual([kind])
  const complaint = complaintOf(sidecar)
  expect(Object.keys(complaint).sort()).toEqual(['err', 'level', 'message', 'peer', 'sessionId'])
  expect(complaint).toMatchObject({ level: 'warn', message: 'a client connection was closed' })
  expect(complaint.peer).toMatch(/^127\.0\.0\.1:\d+$/)
  expect(complaint.err).toMatch(err)
}

const sized = (size: number, bytes = Buffer.alloc(0)): Buffer => {
  const length = Buffer.alloc(4)
  length.writeInt32BE(size)
  return Buffer.concat([length, bytes])
}
const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
const header = (apiKey: number, version: number): Buffer =>
  Buffer.concat([int16(apiKey), int16(version), Buffer.from([0, 0, 0, 7]), int16(-1)])
const request = (apiKey: number, version: number, body = Buffer.alloc(0)): Buffer => {
  const frame = Buffer.concat([header(apiKey, version), body])
  return sized(frame.length, frame)
}
const garbage = Buffer.alloc(300, 0xee)

const cases: readonly {
  readonly name: string
  readonly bytes: Buffer
  readonly kind: ErrorKind
  readonly err: RegExp
}[] = [
  {
    name: 'a frame above the limit',
    bytes: sized(100_001, garbage),
    kind: 'frame_too_large',
    err: /^an application announced a request of 100001 bytes; limits.requestBytes allows 100000$/,
  },
  {
    name: 'the greatest length there is',
    bytes: sized(0x7fffffff),
    kind: 'frame_too_large',
    err: /a request of 2147483647 bytes; limits.requestBytes allows 100000$/,
  },
  {
    name: 'a negative length',
    bytes: sized(-1, garbage),
    kind: 'frame_invalid',
    err: /^an application announced a request of -1 bytes$/,
  },
  {
    name: 'a length of zero',
    bytes: sized(0, garbage),
    kind: 'frame_invalid',
    err: /^an application announced a request of 0 bytes$/,
  },
  {
    name: 'a length that no header fits into',
    bytes: sized(9, garbage),
    kind: 'frame_invalid',
    err: /^an application announced a request of 9 bytes$/,
  },
  {
    name: 'HTTP',
    bytes: Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    kind: 'not_kafka',
    err: /^an application spoke HTTP on this port: .*send it to the admin port/,
  },
  {
    name: 'the first 5 bytes of TLS',
    bytes: Buffer.from([0x16, 3, 1, 2, 0]),
    kind: 'not_kafka',
    err: /^an application spoke TLS on this port: .*configure listen.tls$/,
  },
  {
    name: 'an API that does not exist',
    bytes: request(999, 0),
    kind: 'unsupported_api',
    err: /^an application asked for API .*\(999\), which is not offered$/,
  },
  {
    name: 'an API between brokers',
    bytes: request(4, 7, garbage),
    kind: 'unsupported_api',
    err: /^an application asked for API LeaderAndIsr \(4\), which is not offered$/,
  },
  {
    name: 'telemetry, which is hidden',
    bytes: request(71, 0),
    kind: 'unsupported_api',
    err: /^an application asked for API GetTelemetrySubscriptions \(71\)/,
  },
  {
    name: 'a negative API key',
    bytes: request(-3, 0),
    kind: 'unsupported_api',
    err: /\(-3\), which is not offered$/,
  },
  {
    name: 'a version that does not exist',
    bytes: request(apis.metadata.key, 99),
    kind: 'unsupported_api',
    err: /^an application asked for Metadata v99; offered are 0 to 13$/,
  },
  {
    name: 'a version that is hidden',
    bytes: request(apis.fetch.key, 16),
    kind: 'unsupported_api',
    err: /^an application asked for Fetch v16; offered are \d to 15$/,
  },
  {
    name: 'a negative version',
    bytes: request(apis.metadata.key, -1),
    kind: 'unsupported_api',
    err: /^an application asked for Metadata v-1; offered are 0 to 13$/,
  },
  {
    name: 'ApiVersions in a negative version',
    bytes: request(apis.apiVersions.key, -1),
    kind: 'unsupported_api',
    err: /^an application asked for ApiVersions v-1; offered are 0 to \d$/,
  },
  {
    name: 'a client id of negative length',
    bytes: (() => {
      const frame = request(apis.metadata.key, 1, garbage)
      frame.writeInt16BE(-5, 12)
      return frame
    })(),
    kind: 'frame_invalid',
    err: /^an application sent a Metadata v1 that cannot be read: .*length -5/,
  },
  {
    name: 'a Produce that makes no sense',
    bytes: request(apis.produce.key, 9, garbage),
    kind: 'frame_invalid',
    err: /^an application sent a Produce that cannot be read$/,
  },
  {
    name: 'a Fetch that makes no sense',
    bytes: request(apis.fetch.key, 12, garbage),
    kind: 'frame_invalid',
    err: /^an application sent a Fetch that cannot be read$/,
  },
  {
    name: 'a ListOffsets that makes no sense',
    bytes: request(apis.listOffsets.key, 4, garbage),
    kind: 'frame_invalid',
    err: /^an application sent a ListOffsets v4 that cannot be read: /,
  },
  {
    name: 'an OffsetFetch with more behind it',
    bytes: request(apis.offsetFetch.key, 1, Buffer.from([0, 1, 97, 0, 0, 0, 0, 1, 2, 3])),
    kind: 'frame_invalid',
    err: /^an application sent a OffsetFetch v1 that cannot be read: 3 bytes follow /,
  },
  {
    name: 'a SaslHandshake that makes no sense',
    bytes: request(apis.saslHandshake.key, 1, Buffer.from([0x7f, 0xff])),
    kind: 'frame_invalid',
    err: /^an application sent a SaslHandshake v1 that cannot be read: /,
  },
  {
    name: 'a SaslAuthenticate that makes no sense',
    bytes: Buffer.concat([
      frameOf(apis.saslHandshake, 1, { mechanism: 'PLAIN' }),
      request(apis.saslAuthenticate.key, 1, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
    ]),
    kind: 'frame_invalid',
    err: /cannot be read/,
  },
  {
    name: 'a bare token that is too long',
    bytes: Buffer.concat([
      frameOf(apis.saslHandshake, 0, { mechanism: 'PLAIN' }),
      sized(100_000_000),
    ]),
    kind: 'frame_invalid',
    err: /^an application announced a SASL token of 100000000 bytes; at most \d+ are allowed$/,
  },
  {
    name: 'half a length, then silence',
    bytes: Buffer.from([0, 0]),
    kind: 'client_idle',
    err: /^an application left a request unfinished for 300 ms \(limits.unfinishedRequestTimeout\)$/,
  },
  {
    name: 'half a request, then silence',
    bytes: frameOf(apis.listOffsets, 4, { replicaId: -1, topics: [] }).subarray(0, -1),
    kind: 'client_idle',
    err: /^an application left a request unfinished for 300 ms/,
  },
  {
    name: 'half a Produce that is being passed on, then silence',
    bytes: frameOf(apis.produce, 9, {
      acks: 1,
      timeoutMs: 1000,
      topicData: [{ name: 'orders', partitionData: [{ index: 0, records: garbage }] }],
    }).subarray(0, -9),
    kind: 'client_idle',
    err: /^an application left a request unfinished for 300 ms/,
  },
]

describe('a client that sends what it should not is closed, and nobody else notices', () => {
  test.each(cases)('$name', async ({ bytes, kind, err }) => {
    await expectServed()
    const hostile = await sidecar.connect()
    hostile.write(bytes)
    await expectServed()
    await hostile.closed
    await expectReported(kind, err)
    await expectServed()
    expect(await until(() => sidecar.proxy.connections === 1, 2_000, 5)).toBe(true)
  })

  test('the same, a byte at a time', async () => {
    for (const { bytes } of cases) {
      if (bytes.length > 40) continue
      const hostile = await sidecar.connect()
      for (const byte of bytes) {
        hostile.write(Buffer.from([byte]))
        await new Promise((resolve) => setImmediate(resolve))
      }
      await hostile.closed
    }
    await expectServed()
  }, 60_000)
})

describe('what was asked before the bad bytes', () => {
  test('is answered, when the answer was there', async () => {
    const hostile = await sidecar.connect()
    await hostile.ask(apis.apiVersions, 0, {})
    hostile.write(Buffer.concat([frameOf(apis.apiVersions, 0, {}), request(999, 0)]))
    expect((await hostile.next()).length).toBeGreaterThan(10)
    await hostile.closed
  })
})

describe('a Produce of two million partitions, in small pieces', () => {
  test('is not looked at from its beginning for each piece', async () => {
    const partitions = 2_000_000
    const { connectTimeoutMs } = limitDefaults
    const patient = await startSidecar(cluster.bootstrapServers, { limits: { connectTimeoutMs } })
    await untilReady(patient)
    cluster.control(apis.produce, () => ({ kind: 'drop' }))
    const begin = frameOf(apis.produce, 8, { acks: 1, timeoutMs: 1, topicData: [] }).subarray(0, -4)
    const list = Buffer.alloc(12)
    list.writeInt32BE(1)
    list.writeInt16BE(2, 4)
    list.write('xy', 6)
    list.writeInt32BE(partitions, 8)
    // Each has a number (of no partition that there is) and no records (-1).
    const body = Buffer.alloc(8 * partitions, Buffer.from([0, 0, 0, 9, 255, 255, 255, 255]))
    const frame = Buffer.concat([begin, list, body])
    frame.writeInt32BE(frame.length - 4)
    const hostile = await patient.connect()
    const start = performance.now()
    for (let at = 0; at < frame.length; at += 30_000) {
      hostile.write(frame.subarray(at, at + 30_000))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await hostile.closed
    // It took a minute when each of the 500 pieces cost the whole of those before it.
    expect(performance.now() - start).toBeLessThan(10_000)
    await patient.stop()
  }, 120_000)
})

describe('more unfinished bytes than all connections together may hold', () => {
  test('cost their sender the connection, with a line', async () => {
    const tight = await startSidecar(cluster.bootstrapServers, {
      limits: { bufferedBytesMax: 3 * 2 ** 20 },
    })
    await untilReady(tight)
    const other = await tight.connect()
    await other.ask(apis.metadata, 9, { topics: [] })
    const hostile = await tight.connect()
    const start = request(apis.listOffsets.key, 4)
    start.writeInt32BE(50_000_000)
    hostile.write(Buffer.concat([start, Buffer.alloc(4 * 2 ** 20)]))
    await hostile.closed
    // Who is sent away may notice it before the sidecar is told that its socket is closed.
    await expect.poll(() => tight.seen.failures).toEqual(['buffers_exhausted'])
    expect(complaintOf(tight)).toMatchObject({
      level: 'warn',
      message: 'a client connection was closed',
    })
    expect(complaintOf(tight).err).toMatch(/^no read buffer is left .* limits.bufferedBytes/)
    expect(tight.proxy.bufferedBytes).toBeLessThan(3 * 2 ** 20)
    await other.ask(apis.metadata, 9, { topics: [] })
    await tight.stop()
  })
})

describe('a TLS client on a plaintext port', () => {
  test('is sent away with a word to the operator', async () => {
    const socket = tls.connect({ port: sidecar.port, host: '127.0.0.1', rejectUnauthorized: false })
    await expect(
      new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject)),
    ).rejects.toThrow()
    await expectReported('not_kafka', /^an application spoke TLS on this port/)
    await expectServed()
  })
})

describe('more connections than are allowed', () => {
  test('the next one is refused, the others go on, and a place that is free is given again', async () => {
    const others = [await sidecar.connect(), await sidecar.connect(1), await sidecar.connect(2)]
    const refused = await connectClient(sidecar.port)
    await refused.closed
    expect(sidecar.seen.failures).toEqual(['connection_limit'])
    const { peer, ...complaint } = complaintOf(sidecar)
    expect(complaint).toEqual({
      level: 'warn',
      message: 'an application was refused: limits.connections is reached',
      limit: 4,
    })
    expect(peer).toMatch(/^127\.0\.0\.1:\d+$/)
    for (const client of [bystander, ...others]) {
      const { brokers } = await client.ask(apis.metadata, 5, { topics: [] })
      expect(brokers).toHaveLength(2)
    }
    await others[0]?.close()
    expect(await until(() => sidecar.proxy.connections === 3, 2_000, 5)).toBe(true)
    const next = await sidecar.connect()
    await next.ask(apis.metadata, 5, { topics: [] })
    expect(sidecar.seen.failures).toEqual(['connection_limit'])
  })

  test('a flood of them leaves those unharmed who are there', async () => {
    const flood = Array.from({ length: 200 }, () => {
      const socket = net.connect({ port: sidecar.port, host: '127.0.0.1' })
      socket.on('error', () => undefined)
      return socket
    })
    for (let i = 0; i < 20; i++) await bystander.ask(apis.metadata, 5, { topics: [] })
    expect(sidecar.proxy.connections).toBeLessThanOrEqual(4)
    for (const socket of flood) socket.destroy()
    expect(await until(() => sidecar.proxy.connections === 1, 5_000, 5)).toBe(true)
    await expectServed()
  })
})
