import { beforeEach, describe, expect, test } from 'vitest'
import { isClean, Ledger, verdictText } from '../../src/demo/index.ts'

let ledger: Ledger
beforeEach(() => {
  ledger = new Ledger()
})

const send = (count: number, key = 'k') => {
  for (let index = 0; index < count; index++) ledger.acknowledged('p', [key], index * 10)
}
const receive = (offset: number, sequence: number, key = 'k', partition = 0) =>
  ledger.received({ partition, offset: BigInt(offset), key, sequence })

describe('the ledger', () => {
  test('is clean when every record arrives once and in order', () => {
    send(3)
    for (const sequence of [0, 1, 2]) receive(sequence, sequence)
    expect(ledger.verdict()).toEqual({
      sent: 3,
      received: 3,
      lost: 0,
      outOfOrder: 0,
      repeated: 0,
      reread: 0,
      errors: 0,
      longestPauseMs: 10,
    })
    expect(isClean(ledger.verdict())).toBe(true)
  })

  test('without any record is not clean', () => {
    expect(isClean(ledger.verdict())).toBe(false)
  })

  test('misses what was acknowledged and never came', () => {
    send(3)
    receive(0, 0)
    receive(2, 2)
    expect(ledger.verdict()).toMatchObject({ lost: 1, outOfOrder: 0 })
    expect(isClean(ledger.verdict())).toBe(false)
  })

  test('does not miss what the application was told had failed', () => {
    send(1)
    ledger.failed(['k'])
    receive(0, 0)
    expect(ledger.verdict()).toMatchObject({ sent: 1, lost: 0, errors: 1 })
    expect(isClean(ledger.verdict())).toBe(false)
  })

  test('sees a late record, by its sequence or by its offset', () => {
    send(2)
    receive(1, 1)
    receive(2, 0)
    send(1, 'other')
    receive(0, 0, 'other')
    expect(ledger.verdict()).toMatchObject({ lost: 0, outOfOrder: 2, repeated: 0 })
  })

  test('counts a second copy in the log, whatever was assigned', () => {
    send(1)
    receive(0, 0)
    ledger.assigned(0, 0n)
    receive(1, 0)
    expect(ledger.verdict()).toMatchObject({ received: 1, repeated: 1, reread: 0 })
  })

  test('counts a second delivery without a rebalance', () => {
    send(1)
    receive(0, 0)
    receive(0, 0)
    expect(ledger.verdict()).toMatchObject({ repeated: 1, reread: 0 })
  })

  test('puts a second delivery from the committed offset on down to the consumer, once', () => {
    send(4)
    for (const sequence of [0, 1, 2, 3]) receive(sequence, sequence)
    ledger.assigned(0, 2n)
    for (const sequence of [2, 3]) receive(sequence, sequence)
    expect(ledger.verdict()).toMatchObject({ received: 4, repeated: 0, reread: 2 })
    expect(isClean(ledger.verdict())).toBe(true)
    receive(3, 3)
    receive(1, 1)
    expect(ledger.verdict()).toMatchObject({ repeated: 2, reread: 2 })
  })

  test('measures the pause of each lane by itself', () => {
    ledger.acknowledged('a', ['x'], 0)
    ledger.acknowledged('b', ['y'], 500)
    ledger.acknowledged('a', ['x'], 300)
    expect(ledger.verdict().longestPauseMs).toBe(300)
  })

  test('says all of it in one line', () => {
    send(2)
    receive(0, 0)
    expect(verdictText(ledger.verdict())).toBe(
      'verdict: sent 2, received 1, lost 1, out of order 0, repeated 0, longest pause between two acks 10 ms',
    )
  })
})
