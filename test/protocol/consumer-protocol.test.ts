import { describe, expect, test } from 'vitest'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../src/protocol/index.ts'

const nothing = Buffer.alloc(0)

describe('consumer protocol', () => {
  test('a subscription of each version', () => {
    const subscription = {
      topics: ['a', 'b'],
      userData: null,
      ownedPartitions: [{ topic: 'a', partitions: [0, 2] }],
      generationId: 4,
      rackId: 'r',
    }
    const lacking = { ownedPartitions: [], generationId: -1, rackId: null }
    for (const [version, kept] of [
      [0, { ...subscription, ...lacking }],
      [1, { ...subscription, generationId: -1, rackId: null }],
      [2, { ...subscription, rackId: null }],
      [3, subscription],
    ] as const) {
      const payload = encodeSubscription(version, subscription)
      expect(decodeSubscription(payload)).toEqual({ version, message: kept, rest: nothing })
    }
  })

  test('a later version reads as the last one known, and nothing of it is lost', () => {
    const payload = Buffer.from(
      '0009 00000000 ffffffff 00000000 ffffffff ffff beef'.replaceAll(' ', ''),
      'hex',
    )
    const { version, message, rest } = decodeSubscription(payload)
    expect([version, rest.toString('hex')]).toEqual([9, 'beef'])
    expect(encodeSubscription(version, message, rest)).toEqual(payload)
  })

  test('an assignment', () => {
    const body = { assignedPartitions: [{ topic: 't', partitions: [1] }], userData: nothing }
    const payload = encodeAssignment(1, body)
    expect(payload.toString('hex')).toBe(
      '0001' + '00000001' + '000174' + '0000000100000001' + '00000000',
    )
    expect(decodeAssignment(payload)).toEqual({ version: 1, message: body, rest: nothing })
    expect(() => decodeAssignment(nothing)).toThrow('2 bytes wanted at 0, 0 left')
  })
})
