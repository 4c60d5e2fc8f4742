import { describe, expect, test } from 'vitest'
import {
  apis,
  batches,
  compressionOf,
  decodeAssignment,
  decodeRecords,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeResponseHeader,
  decodeSubscription,
  encodeAssignment,
  encodeRequest,
  encodeResponse,
  encodeSubscription,
  errorCodes,
  hasValidCrc,
  type Api,
  type Fields,
} from '../../src/protocol/index.ts'
import { goldenFrames, type GoldenFrame } from './golden.ts'

const lengthBytes = 4
const withoutLength = (frame: Buffer): Buffer => frame.subarray(lengthBytes)

/** A broker answers an ApiVersions request of a version that it does not know in v0 (KIP-511). */
const isRefusal = ({ api, part, frame }: GoldenFrame): boolean =>
  api === apis.apiVersions &&
  part === 'response' &&
  frame.readInt16BE(4) === errorCodes.UNSUPPORTED_VERSION

function reencoded(golden: GoldenFrame): Buffer {
  const { api, version, part, frame } = golden
  if (part === 'request') {
    const header = decodeRequestHeader(frame, 0)
    expect(header).toMatchObject({ apiKey: api.key, apiVersion: version })
    const body = decodeRequest(api, version, frame, header.bodyOffset)
    return withoutLength(encodeRequest(api, version, header, body))
  }
  const known = isRefusal(golden) ? 0 : version
  const { correlationId, bodyOffset } = decodeResponseHeader(api, known, frame, 0)
  const body = decodeResponse(api, known, frame, bodyOffset)
  return withoutLength(encodeResponse(api, known, correlationId, body))
}

describe('frames of real clients and brokers decode, and encode to the same bytes', () => {
  test('they cover most of what clients use', () => {
    expect(goldenFrames.length).toBeGreaterThan(700)
    const seen = new Set(goldenFrames.map(({ api }) => api.name))
    const unseen = Object.values<Api>(apis).filter(({ name }) => !seen.has(name))
    // These need a telemetry plugin in the broker and a Streams application.
    expect(unseen.map(({ name }) => name)).toEqual([
      'GetTelemetrySubscriptions',
      'PushTelemetry',
      'StreamsGroupHeartbeat',
    ])
  })

  const files = [...new Set(goldenFrames.map(({ file }) => file))]
  test.each(files)('%s', (file) => {
    for (const golden of goldenFrames.filter((frame) => frame.file === file)) {
      const { api, version, part, frame } = golden
      const name = `${api.name} ${version} ${part}`
      expect([name, reencoded(golden).toString('hex')]).toEqual([name, frame.toString('hex')])
    }
  })
})

/** Every decoded body of one api and part, typed. */
function requests<Q extends Fields, S extends Fields>(api: Api<Q, S>, file = '') {
  return goldenFrames
    .filter((golden) => golden.api.key === api.key && golden.part === 'request')
    .filter((golden) => golden.file.includes(file))
    .map(({ version, frame }) => {
      const { clientId, bodyOffset } = decodeRequestHeader(frame, 0)
      return { version, clientId, body: decodeRequest(api, version, frame, bodyOffset) }
    })
}
function responses<Q extends Fields, S extends Fields>(api: Api<Q, S>, file = '') {
  return goldenFrames
    .filter((golden) => golden.api.key === api.key && golden.part === 'response')
    .filter((golden) => golden.file.includes(file) && !isRefusal(golden))
    .map(({ version, frame }) => {
      const { bodyOffset } = decodeResponseHeader(api, version, frame, 0)
      return { version, body: decodeResponse(api, version, frame, bodyOffset) }
    })
}

describe('what they say', () => {
  test.each([
    ['kcat-1.7.1_kafka-1.1.1', 27211],
    ['kcat-1.7.1_kafka-4.3.1', 27531],
  ])('%s: the broker of Metadata', (file, port) => {
    const bodies = responses(apis.metadata, file).map(({ body }) => body)
    expect(bodies.length).toBeGreaterThan(2)
    for (const { brokers, controllerId } of bodies) {
      expect(brokers).toEqual([{ nodeId: 1, host: '127.0.0.1', port, rack: null }])
      expect(controllerId).toBe(1)
    }
    const topics = bodies.flatMap((body) => body.topics)
    const golden = topics.find(({ name }) => name === 'golden')
    expect(golden?.partitions.map(({ partitionIndex }) => partitionIndex).sort()).toEqual([0, 1])
  })

  test('clients name themselves', () => {
    const names = requests(apis.apiVersions, 'kafka-4.3.1').map(
      ({ clientId, body }) =>
        `${clientId} ${body.clientSoftwareName} ${body.clientSoftwareVersion}`,
    )
    expect(names).toContain('rdkafka librdkafka 2.0.2')
    expect(names).toContain('golden apache-kafka-java 4.3.1')
    expect(names).toContain('golden-kafkajs  ')
  })

  test('versions that brokers offer', () => {
    const offered = (file: string, key: number) =>
      responses(apis.apiVersions, file)
        .at(-1)
        ?.body.apiKeys.find(({ apiKey }) => apiKey === key)
    expect(offered('java-1.1.1_kafka-1.1.1', 1)).toMatchObject({ minVersion: 0, maxVersion: 7 })
    expect(offered('java-2.8.2_kafka-2.8.2', 1)).toMatchObject({ minVersion: 0, maxVersion: 12 })
    expect(offered('java-4.3.1_kafka-4.3.1', 1)).toMatchObject({ minVersion: 4, maxVersion: 18 })
  })

  test('a client that asks in a version that the broker lacks is answered in v0', () => {
    const refusals = goldenFrames.filter(isRefusal)
    expect(refusals.map(({ file }) => file)).toContain('kcat-1.7.1_kafka-1.1.1')
    for (const { frame } of refusals) {
      const { errorCode } = decodeResponse(apis.apiVersions, 0, frame, 4)
      expect(errorCode).toBe(errorCodes.UNSUPPORTED_VERSION)
    }
  })

  test('records: every batch is whole and valid, and its records are those that were sent', () => {
    const compressions = new Set<string>()
    const texts = new Set<string>()
    const produced = requests(apis.produce).flatMap(({ body }) =>
      body.topicData.flatMap(({ partitionData }) => partitionData.map(({ records }) => records)),
    )
    const fetched = responses(apis.fetch).flatMap(({ body }) =>
      body.responses.flatMap(({ partitions }) => partitions.map(({ records }) => records)),
    )
    for (const records of [...produced, ...fetched]) {
      if (records === null) continue
      for (const batch of batches(records)) {
        const compression = compressionOf(batch)
        compressions.add(compression)
        expect(hasValidCrc(records, batch)).toBe(true)
        if (compression !== 'none' && compression !== 'gzip') continue
        for (const { key, value, headers } of decodeRecords(records, batch)) {
          texts.add(`${String(key)} ${String(value)} ${headers.map((h) => h.key).join()}`)
        }
      }
    }
    expect([...compressions].sort()).toEqual(['gzip', 'lz4', 'none', 'snappy', 'zstd'])
    // kcat, Java, kafkajs; with headers and without.
    for (const text of [
      'a 1 h',
      'c 1 ',
      'k0 v0 h',
      'b 2 ',
      'null the same line again and again ',
    ]) {
      expect(texts).toContain(text)
    }
  })

  test('groups: what members tell each other re-encodes to the same bytes', () => {
    const joins = requests(apis.joinGroup).flatMap(({ body }) => body.protocols)
    const seen = new Set<number>()
    for (const { metadata } of joins) {
      const { version, message, rest } = decodeSubscription(metadata)
      seen.add(version)
      expect(encodeSubscription(version, message, rest)).toEqual(metadata)
      expect(rest.length).toBe(0)
    }
    expect([...seen].sort()).toEqual([0, 1, 3])
    const syncs = responses(apis.syncGroup).filter(({ body }) => body.assignment.length > 0)
    expect(syncs.length).toBeGreaterThan(5)
    for (const { body } of syncs) {
      const { version, message } = decodeAssignment(body.assignment)
      expect(encodeAssignment(version, message)).toEqual(body.assignment)
      expect(message.assignedPartitions[0]?.topic).toMatch(/^golden/)
    }
  })

  test('logins', () => {
    const mechanisms = requests(apis.saslHandshake).map(({ body }) => body.mechanism)
    expect(mechanisms).toEqual(expect.arrayContaining(['PLAIN', 'SCRAM-SHA-256']))
    const tokens = requests(apis.saslAuthenticate).map(({ body }) => body.authBytes.toString())
    expect(tokens).toContain('\0golden\0golden')
    const answers = responses(apis.saslAuthenticate).map(({ body }) => body)
    expect(answers).toContainEqual(
      expect.objectContaining({ errorCode: 0, sessionLifetimeMs: 60000n }),
    )
  })

  test('static members, racks and transactions', () => {
    const joins = requests(apis.joinGroup).map(({ body }) => body.groupInstanceId)
    expect(joins).toContain('static-1')
    const racks = requests(apis.joinGroup).flatMap(({ body }) =>
      body.protocols.map(({ metadata }) => decodeSubscription(metadata).message.rackId),
    )
    expect(racks).toContain('rack-1')
    const ended = requests(apis.endTxn).map(
      ({ body }) => `${body.transactionalId} ${body.committed}`,
    )
    expect(ended).toContain('golden-tx true')
    expect(ended).toContain('golden-js-tx true')
    const commits = requests(apis.txnOffsetCommit).flatMap(({ body }) => body.topics)
    expect(commits.map(({ name }) => name)).toContain('golden-java')
  })
})
