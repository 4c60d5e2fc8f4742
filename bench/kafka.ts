import { connect, type Socket } from 'node:net'
import { assert } from '../src/assert.ts'
import {
  apis,
  decodeResponse,
  decodeResponseHeader,
  encodeBatch,
  encodeRequest,
  errorName,
  zeroUuid,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
} from '../src/protocol/index.ts'

/** The versions that the bench speaks: flexible, and with topics by name. */
export const versions = { apiVersions: 3, metadata: 9, produce: 11, fetch: 12 } as const
export const clientId = 'bench'

/** Frames out of bytes: calls `onFrame` with each one whole, its length included. */
export function frameReader(onFrame: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    let buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (buffer.length >= 4) {
      const size = buffer.readInt32BE(0) + 4
      if (buffer.length < size) break
      onFrame(buffer.subarray(0, size))
      buffer = buffer.subarray(size)
    }
    rest = buffer
  }
}

/** A connection that asks one thing at a time: for what the bench arranges, not for what it measures. */
export class KafkaConnection {
  readonly socket: Socket
  #waiting: { take: (frame: Buffer) => void; fail: (error: Error) => void } | undefined
  #correlationId = 0

  private constructor(socket: Socket) {
    this.socket = socket
    const fail = (error: Error) => {
      this.#waiting?.fail(error)
      this.#waiting = undefined
    }
    socket.on(
      'data',
      frameReader((frame) => {
        const waiting = this.#waiting
        this.#waiting = undefined
        waiting?.take(frame)
      }),
    )
    socket.on('error', fail)
    socket.on('close', () => fail(new Error('the connection was closed')))
  }

  static open(port: number, localAddress?: string): Promise<KafkaConnection> {
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port, noDelay: true }
      const socket = connect(localAddress === undefined ? options : { ...options, localAddress })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new KafkaConnection(socket))
      })
    })
  }

  async request<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: Encodable<Q>,
  ): Promise<Decoded<S>> {
    assert(this.#waiting === undefined, 'one request at a time')
    const correlationId = ++this.#correlationId
    const answer = await new Promise<Buffer>((take, fail) => {
      this.#waiting = { take, fail }
      this.socket.write(encodeRequest(api, version, { correlationId, clientId }, body))
    })
    const frame = answer.subarray(4)
    const { bodyOffset } = decodeResponseHeader(api, version, frame, 0)
    return decodeResponse(api, version, frame, bodyOffset)
  }

  /** What every client does first, which makes a sidecar open its connection to the broker. */
  async greet(): Promise<void> {
    const software = { clientSoftwareName: clientId, clientSoftwareVersion: '1' }
    const offered = await this.request(apis.apiVersions, versions.apiVersions, software)
    requireSuccess('ApiVersions', offered.errorCode)
    const metadata = await this.request(apis.metadata, versions.metadata, metadataRequest)
    assert(metadata.brokers.length > 0, 'the metadata name no broker')
  }

  close(): void {
    this.socket.destroy()
  }
}

export const metadataRequest = {
  topics: [],
  allowAutoTopicCreation: false,
  includeClusterAuthorizedOperations: false,
  includeTopicAuthorizedOperations: false,
}

function requireSuccess(what: string, errorCode: number): void {
  if (errorCode !== 0) throw new Error(`${what}: ${errorName(errorCode)}`)
}

const adminTimeoutMs = 30_000

/** Runs one request on a connection of its own. */
async function once<T>(port: number, act: (kafka: KafkaConnection) => Promise<T>): Promise<T> {
  const kafka = await KafkaConnection.open(port)
  try {
    return await act(kafka)
  } finally {
    kafka.close()
  }
}

/** Configuration of a topic that may be written to for ever: a partition keeps two segments. */
export const smallLog = { 'retention.bytes': '33554432', 'segment.bytes': '16777216' }

/** Resolves when every partition has a leader. */
export async function createTopic(
  port: number,
  name: string,
  partitions: number,
  configs: Readonly<Record<string, string>> = {},
): Promise<void> {
  await once(port, async (kafka) => {
    const topic = {
      name,
      numPartitions: partitions,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    }
    const request = { topics: [topic], timeoutMs: adminTimeoutMs, validateOnly: false }
    const created = await kafka.request(apis.createTopics, 5, request)
    for (const { errorCode } of created.topics) requireSuccess(`CreateTopics ${name}`, errorCode)
    const end = performance.now() + adminTimeoutMs
    while ((await ledPartitions(kafka, name)) < partitions) {
      if (performance.now() > end) throw new Error(`${name} has no leaders`)
    }
  })
}

/** How many partitions of a topic have a leader; none where there is no such topic. */
async function ledPartitions(kafka: KafkaConnection, name: string): Promise<number> {
  const known = await kafka.request(apis.metadata, versions.metadata, {
    ...metadataRequest,
    topics: [{ name, topicId: zeroUuid }],
  })
  return known.topics[0]?.partitions.filter((p) => p.leaderId >= 0).length ?? 0
}

export async function deleteTopic(port: number, name: string): Promise<void> {
  await once(port, async (kafka) => {
    const request = { topics: [], topicNames: [name], timeoutMs: adminTimeoutMs }
    const deleted = await kafka.request(apis.deleteTopics, 4, request)
    for (const { errorCode } of deleted.responses) requireSuccess(`DeleteTopics ${name}`, errorCode)
  })
}

const produceTimeoutMs = 30_000

/** A Produce frame with acks=1 of one record with `valueBytes` bytes, to be sent again and again. */
export function produceFrame(topic: string, partition: number, valueBytes: number): Buffer {
  const value = Buffer.alloc(valueBytes, 'kafka-cutover ')
  const records = encodeBatch({
    records: [{ timestamp: BigInt(Date.now()), key: null, value, headers: [] }],
  })
  return encodeRequest(
    apis.produce,
    versions.produce,
    { correlationId: 0, clientId },
    {
      transactionalId: null,
      acks: 1,
      timeoutMs: produceTimeoutMs,
      topicData: [
        { name: topic, topicId: zeroUuid, partitionData: [{ index: partition, records }] },
      ],
    },
  )
}

export const correlationIdOffset = 8

/**
 * The error code in the answer to `produceFrame`, read in place: a client that decoded every answer
 * would take the broker's core from it.
 */
export function producedErrorCode(answer: Buffer, topic: string): number {
  // length, correlation id, header tags, topics, name, partitions, index
  return answer.readInt16BE(4 + 4 + 1 + 1 + (1 + Buffer.byteLength(topic)) + 1 + 4)
}

/** A Fetch frame without a session, for one partition from its first offset. */
export function fetchFrame(topic: string, partition: number, bytesMax: number): Buffer {
  return encodeRequest(
    apis.fetch,
    versions.fetch,
    { correlationId: 0, clientId },
    {
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: bytesMax,
      isolationLevel: 0,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [
        { topic, partitions: [{ partition, fetchOffset: 0n, partitionMaxBytes: bytesMax }] },
      ],
      forgottenTopicsData: [],
    },
  )
}
