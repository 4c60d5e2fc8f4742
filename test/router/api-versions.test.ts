import { describe, expect, test } from 'vitest'
import { apis, decodeResponse, decodeResponseHeader, errorCodes } from '../../src/protocol/index.ts'
import { answerApiVersions, type RoutingTable } from '../../src/router/index.ts'
import { correlationId, tableOf, versionsOf } from './given.ts'

const table: RoutingTable = {
  ...tableOf(),
  offered: new Map([
    [18, { min: 0, max: 3 }],
    [3, { min: 4, max: 12 }],
    [0, { min: 3, max: 9 }],
  ]),
  features: {
    supported: [
      { name: 'group.version', minVersion: 0, maxVersion: 1 },
      { name: 'metadata.version', minVersion: 1, maxVersion: 25 },
    ],
    finalized: [{ name: 'metadata.version', minVersionLevel: 20, maxVersionLevel: 20 }],
    finalizedEpoch: 42n,
  },
}
const api = apis.apiVersions

function answered(version: number, answeredIn = version) {
  const frame = answerApiVersions(table, version, correlationId)
  expect(frame.readInt32BE(0)).toBe(frame.length - 4)
  const header = decodeResponseHeader(api, answeredIn, frame, 4)
  // Never with tagged fields: a client must be able to read it before it knows the broker (KIP-511).
  expect(header).toEqual({ correlationId, bodyOffset: 8 })
  return decodeResponse(api, answeredIn, frame, header.bodyOffset)
}

describe('ApiVersions', () => {
  test.each(versionsOf(api))('v%d tells what is offered, by its keys', (version) => {
    const answer = answered(version)
    expect(answer.errorCode).toBe(0)
    expect(answer.apiKeys).toEqual([
      { apiKey: 0, minVersion: 3, maxVersion: 9 },
      { apiKey: 3, minVersion: 4, maxVersion: 12 },
      { apiKey: 18, minVersion: 0, maxVersion: 3 },
    ])
    expect(answer.throttleTimeMs).toBe(0)
    if (version < 3) return
    expect(answer.finalizedFeaturesEpoch).toBe(42n)
    expect(answer.finalizedFeatures).toEqual(table.features.finalized)
  })

  test('v3 leaves out features that begin at 0, which its clients cannot read (KAFKA-17011)', () => {
    expect(answered(3).supportedFeatures.map(({ name }) => name)).toEqual(['metadata.version'])
  })

  test('v4 has them', () => {
    expect(answered(4).supportedFeatures.map(({ name }) => name)).toEqual([
      'group.version',
      'metadata.version',
    ])
  })

  test.each([api.versions.max + 1, 99, 0x7fff])(
    'v%d, which nobody knows yet, is answered in v0 with the versions of ApiVersions (KIP-511)',
    (version) => {
      expect(answered(version, 0)).toMatchObject({
        errorCode: errorCodes.UNSUPPORTED_VERSION,
        apiKeys: [{ apiKey: api.key, minVersion: api.versions.min, maxVersion: api.versions.max }],
      })
    },
  )
})
