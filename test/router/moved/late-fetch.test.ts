import { expect, test } from 'vitest'
import {
  apis,
  decodeResponse,
  decodeResponseHeader,
  encodeBatch,
  encodeResponse,
} from '../../../src/protocol/index.ts'
import { cutLateFetch } from '../../../src/router/index.ts'
import { movedTable, sourceEnd } from '../translations/given.ts'

const version = 11
const correlationId = 5
const batch = (baseOffset: bigint): Buffer =>
  encodeBatch({ baseOffset, records: [{ timestamp: 1n, value: Buffer.from('v') }] })

// Kept as seed 310 of the simulation: a reader passed over the first record of the target.
test('a Fetch that waited through the splice brings nothing that was written behind its back', () => {
  const within = batch(sourceEnd - 1n)
  const behind = batch(sourceEnd)
  const partition = (partitionIndex: number, records: Buffer) => ({
    partitionIndex,
    errorCode: 0,
    highWatermark: sourceEnd + 1n,
    records,
  })
  const frame = encodeResponse(apis.fetch, version, correlationId, {
    sessionId: 0,
    responses: [
      {
        topic: 'orders',
        partitions: [partition(0, Buffer.concat([within, behind])), partition(1, behind)],
      },
      { topic: 'bills', partitions: [partition(0, behind)] },
    ],
  })
  const cut = cutLateFetch(movedTable(), version, correlationId, frame.subarray(4)).subarray(4)
  const { bodyOffset } = decodeResponseHeader(apis.fetch, version, cut, 0)
  const { responses } = decodeResponse(apis.fetch, version, cut, bodyOffset)
  const left = responses.map(({ partitions }) => partitions.map(({ records }) => records?.length))
  expect(left).toEqual([[within.length, 0], [behind.length]])
})
