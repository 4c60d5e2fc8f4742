import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { writeMessage } from '../../src/protocol/codec.ts'
import {
  decodeTransactionLogKey,
  decodeTransactionLogValue,
  transactionState,
  Writer,
} from '../../src/protocol/index.ts'
import type { Fields } from '../../src/protocol/schema.ts'
import { transactionLogValue } from '../../src/protocol/transaction-log.ts'
import { arbitraryMessage } from './arbitrary.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

/** Two transactions of a kafkajs producer, from the log segments of both brokers. */
const golden = [
  {
    broker: '1.1.1',
    state: 'Empty',
    hex: '0000 0000000000000001 0000 0000ea60 00 ffffffff 000001a2073e2045 ffffffffffffffff',
    partitions: null,
    times: [1795417841733n, -1n],
  },
  {
    broker: '1.1.1',
    state: 'Ongoing',
    hex: '0000 0000000000000001 0000 0000ea60 01 00000002 00066f7264657273 00000002 00000001 00000000 000562696c6c73 00000001 00000000 000001a2073e20c0 000001a2073e2088',
    partitions: [
      { topic: 'orders', partitionIds: [1, 0] },
      { topic: 'bills', partitionIds: [0] },
    ],
    times: [1795417841856n, 1795417841800n],
  },
  {
    broker: '1.1.1',
    state: 'CompleteCommit',
    hex: '0000 0000000000000001 0000 0000ea60 04 00000000 000001a2073e20d3 000001a2073e2088',
    partitions: [],
    times: [1795417841875n, 1795417841800n],
  },
  {
    broker: '2.8.2',
    state: 'PrepareCommit',
    hex: '0000 0000000000000001 0000 0000ea60 02 00000002 000562696c6c73 00000001 00000000 00066f7264657273 00000002 00000000 00000001 000001a2073e311e 000001a2073e30e3',
    partitions: [
      { topic: 'bills', partitionIds: [0] },
      { topic: 'orders', partitionIds: [0, 1] },
    ],
    times: [1795417846046n, 1795417845987n],
  },
  {
    broker: '2.8.2',
    state: 'PrepareAbort',
    hex: '0000 0000000000000001 0000 0000ea60 03 00000001 00066f7264657273 00000001 00000001 000001a2073e3277 000001a2073e326b',
    partitions: [{ topic: 'orders', partitionIds: [1] }],
    times: [1795417846391n, 1795417846379n],
  },
  {
    broker: '2.8.2',
    state: 'CompleteAbort',
    hex: '0000 0000000000000001 0000 0000ea60 05 00000000 000001a2073e3279 000001a2073e326b',
    partitions: [],
    times: [1795417846393n, 1795417846379n],
  },
] as const

describe('the log of transaction coordinators', () => {
  test.each(golden)('$state of a $broker broker', ({ hex, state, partitions, times }) => {
    const value = decodeTransactionLogValue(bytes(hex))
    expect(transactionState(value)).toBe(state)
    expect(value).toMatchObject({
      ...{ producerId: 1n, producerEpoch: 0, transactionTimeoutMs: 60_000 },
      transactionPartitions: partitions,
      transactionLastUpdateTimestampMs: times[0],
      transactionStartTimestampMs: times[1],
    })
  })

  test('a key names the transactional id; one of another version is no such record', () => {
    expect(decodeTransactionLogKey(bytes('0000 0007 62696c6c696e67'))).toBe('billing')
    expect(decodeTransactionLogKey(bytes('0001 0007 62696c6c696e67'))).toBeUndefined()
  })

  test('what a coordinator writes, is read', () => {
    fc.assert(
      fc.property(arbitraryMessage(transactionLogValue, 0), (body) => {
        const writer = new Writer()
        writer.int16(0)
        writeMessage<Fields>(transactionLogValue, 0, writer, body)
        expect(decodeTransactionLogValue(writer.written())).toEqual(body)
      }),
    )
  })

  test('a version or a status that is not known is refused, and so are cut-off bytes', () => {
    const { hex } = golden[0]
    expect(() => decodeTransactionLogValue(bytes(hex.replace('0000', '0001')))).toThrow(
      'TransactionLogValue has no version 1',
    )
    expect(() => decodeTransactionLogValue(bytes(hex).subarray(0, -1))).toThrow('8 bytes wanted')
    const odd = decodeTransactionLogValue(bytes(hex.replace('60 00', '60 09')))
    expect(() => transactionState(odd)).toThrow('transaction status 9 is not known')
  })
})
