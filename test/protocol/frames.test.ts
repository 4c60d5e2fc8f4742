import { describe, expect, test } from 'vitest'
import {
  apis,
  DecodeError,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeResponseHeader,
  EncodeError,
  encodeRequest,
  encodeResponse,
  errorCodes,
  errorName,
  apiName,
  zeroUuid,
} from '../../src/protocol/index.ts'

const body = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

describe('request frames', () => {
  test('an ApiVersions v3 request has header v2, whose client id is an old-style string', () => {
    const frame = body('0012 0003 00000007 0003 616263 00 02 6b 02 31 00')
    const header = decodeRequestHeader(frame, 0)
    expect(header).toEqual({
      apiKey: 18,
      apiVersion: 3,
      correlationId: 7,
      clientId: 'abc',
      bodyOffset: 14,
    })
    const request = decodeRequest(apis.apiVersions, 3, frame, header.bodyOffset)
    expect(request).toEqual({ clientSoftwareName: 'k', clientSoftwareVersion: '1' })
    const length = body('00000013')
    expect(encodeRequest(apis.apiVersions, 3, header, request)).toEqual(
      Buffer.concat([length, frame]),
    )
  })

  test('ApiVersions of a later version has header v2, too', () => {
    const frame = body('0012 00ff 00000007 ffff 01 07 02 beef')
    expect(decodeRequestHeader(frame, 0)).toEqual({
      apiKey: 18,
      apiVersion: 255,
      correlationId: 7,
      clientId: null,
      bodyOffset: 15,
      unknownTags: [{ tag: 7, data: body('beef') }],
    })
  })

  test('ControlledShutdown v0 alone has no client id', () => {
    expect(decodeRequestHeader(body('0007 0000 00000001 00000005'), 0)).toMatchObject({
      clientId: null,
      bodyOffset: 8,
    })
  })

  test('the header of an unknown API still names it and its client', () => {
    expect(decodeRequestHeader(body('03e7 0000 00000001 0001 61'), 0)).toEqual({
      apiKey: 999,
      apiVersion: 0,
      correlationId: 1,
      clientId: 'a',
      bodyOffset: 11,
    })
  })
})

describe('response frames', () => {
  test('ApiVersions has response header v0 in its flexible versions', () => {
    const frame = encodeResponse(apis.apiVersions, 3, 5, {
      errorCode: 0,
      apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 3 }],
    })
    expect(frame).toEqual(body('00000013 00000005 0000 02 0012 0000 0003 00 00000000 00'))
    expect(decodeResponseHeader(apis.apiVersions, 3, frame, 4)).toEqual({
      correlationId: 5,
      bodyOffset: 8,
    })
  })

  test('every field is there in every version, with its default where the version lacks it', () => {
    const frame = body('00000000 00000000')
    expect(decodeResponse(apis.metadata, 0, frame, 0)).toEqual({
      throttleTimeMs: 0,
      brokers: [],
      clusterId: null,
      controllerId: -1,
      topics: [],
      clusterAuthorizedOperations: -2147483648,
      errorCode: 0,
    })
  })

  test('tagged fields that we do not know survive, in order, beside those we do', () => {
    // Produce v10: no responses, throttle 0, tag 0 (no endpoints but one) and tag 9.
    const frame = body('01 00000000 02 00 0d 02 00000001 02 68 00002384 00 00 09 02 0102')
    const response = decodeResponse(apis.produce, 10, frame, 0)
    expect(response.nodeEndpoints).toEqual([{ nodeId: 1, host: 'h', port: 9092, rack: null }])
    expect(response.unknownTags).toEqual([{ tag: 9, data: body('0102') }])
    expect(encodeResponse(apis.produce, 10, 1, response).subarray(9)).toEqual(frame)
  })
})

describe('what does not fit', () => {
  const decode = (hex: string): unknown => decodeResponse(apis.metadata, 1, body(hex), 0)

  test('a count above what the rest can hold fails before anything is allocated', () => {
    expect(() => decode('7fffffff 00000000')).toThrow(
      new DecodeError('2147483647 elements announced, 4 bytes left', 'brokers'),
    )
  })

  test('the error names the field', () => {
    expect(() => decode('00000001 00000001 0012 6868 0000000000000000')).toThrow(
      'brokers[0].host: 18 bytes wanted at 10, 10 left',
    )
    expect(() => decode('00000001 00000001 ffff 6868 000000000000')).toThrow(
      'brokers[0].host: null is not allowed',
    )
  })

  test('bytes after the message', () => {
    expect(() => decode('00000000 00000001 00000000 ff')).toThrow(
      '1 bytes follow MetadataResponse version 1',
    )
  })

  test('a version that the message does not have', () => {
    expect(() => decodeRequest(apis.metadata, 14, Buffer.alloc(0), 0)).toThrow(
      'MetadataRequest has no version 14: 0 to 13 are known',
    )
  })

  test('a value for a field that the version lacks, unless Kafka says that it may be dropped', () => {
    const header = { correlationId: 1, clientId: null }
    const request = { topics: null, allowAutoTopicCreation: false }
    expect(() => encodeRequest(apis.metadata, 3, header, request)).toThrow(
      new EncodeError('version 3 lacks the field', 'allowAutoTopicCreation'),
    )
    const named = { topics: [{ name: 't', topicId: `${zeroUuid.slice(1)}A` }] }
    expect(encodeRequest(apis.metadata, 3, header, named).length).toBeGreaterThan(4)
  })
})

describe('names', () => {
  test('error codes are numbered without a gap', () => {
    const codes = Object.values(errorCodes)
    expect(codes).toEqual(codes.map((_, i) => i - 1))
    expect([0, -1, 35, 999].map(errorName)).toEqual([
      'NONE',
      'UNKNOWN_SERVER_ERROR',
      'UNSUPPORTED_VERSION',
      'ERROR_999',
    ])
  })

  test('APIs, also those that are not decoded', () => {
    expect([0, 4, 56, 999].map(apiName)).toEqual([
      'Produce',
      'LeaderAndIsr',
      'AlterPartition',
      'Api999',
    ])
  })
})

test('what a message needs is in its type, and so is what may be left out', () => {
  const header = { correlationId: 1, clientId: null }
  expect(
    // @ts-expect-error both lists are wanted; at run time they are empty
    encodeRequest(apis.fetch, 11, header, { maxWaitMs: 1, minBytes: 1 }).length,
  ).toBeGreaterThan(4)
  expect(() =>
    encodeRequest(apis.initProducerId, 3, header, {
      transactionalId: null,
      transactionTimeoutMs: 1,
      // @ts-expect-error a bigint is wanted
      producerId: 5,
    }),
  ).toThrow('producerId: bigint wanted, number given')
})
