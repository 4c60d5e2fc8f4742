import { beforeEach, describe, expect, test } from 'vitest'
import { isClean, Ledger, verdictLines, type Outcome } from '../../src/demo/index.ts'

let ledger: Ledger
beforeEach(() => {
  ledger = new Ledger(['g'])
})

const done: Outcome = { phase: 'target', cutoverMs: 2_500, fenceMs: 40.4, withoutSourceMs: 3_000 }

const send = (count: number, key = 'k') => {
  for (let index = 0; index < count; index++) ledger.acknowledged('p', [key], index * 10)
}
const receive = (offset: number, sequence: number | null, key = 'k', partition = 0, now = 0) =>
  ledger.group('g').received({ partition, offset: BigInt(offset), key, sequence }, now)
const books = () => ledger.books.groups[0]
const clean = (outcome = done) => isClean(ledger.books, outcome)

describe('the ledger', () => {
  test('is clean when every record arrives once and in order', () => {
    send(3)
    for (const sequence of [0, 1, 2]) receive(sequence, sequence)
    expect(ledger.books).toMatchObject({ sent: 3, errors: 0 })
    expect(books()).toEqual({
      group: 'g',
      received: 3,
      lost: 0,
      outOfOrder: 0,
      repeated: 0,
      reread: 0,
      strange: 0,
      pause: { beforeMs: 0, cutoverMs: 0 },
    })
    expect(clean()).toBe(true)
  })

  test('is not clean without any record, nor without a cutover that is done', () => {
    expect(clean()).toBe(false)
    send(1)
    receive(0, 0)
    expect(clean({ ...done, phase: 'drained', cutoverMs: null })).toBe(false)
  })

  test('misses what was acknowledged and never came', () => {
    send(3)
    receive(0, 0)
    receive(2, 2)
    expect(books()).toMatchObject({ lost: 1, outOfOrder: 0 })
    expect(clean()).toBe(false)
  })

  test('misses it in each group', () => {
    ledger = new Ledger(['g', 'h'])
    send(1)
    receive(0, 0)
    expect(ledger.books.groups.map(({ lost }) => lost)).toEqual([0, 1])
    expect(clean()).toBe(false)
  })

  test('does not miss what the application was told had failed', () => {
    send(1)
    ledger.failed(['k'])
    receive(0, 0)
    expect(ledger.books).toMatchObject({ sent: 1, errors: 1 })
    expect(books()).toMatchObject({ lost: 0 })
    expect(clean()).toBe(false)
  })

  test('sees a late record, by its sequence or by its offset', () => {
    send(2)
    receive(1, 1)
    receive(2, 0)
    send(1, 'other')
    receive(0, 0, 'other')
    expect(books()).toMatchObject({ lost: 0, outOfOrder: 2, repeated: 0 })
    expect(clean()).toBe(false)
  })

  test('counts a record that none of the applications has written', () => {
    send(1)
    receive(0, 0)
    receive(1, null)
    expect(books()).toMatchObject({ received: 1, strange: 1 })
    expect(clean()).toBe(false)
    expect(verdictLines(ledger.books, done, 'two')).toContain(
      'g: got 1 records that nobody here has written',
    )
  })

  test('counts a second copy in the log, whatever was assigned', () => {
    send(1)
    receive(0, 0)
    ledger.group('g').assigned(0)
    receive(1, 0)
    expect(books()).toMatchObject({ received: 1, repeated: 1, reread: 0 })
    expect(clean()).toBe(false)
  })

  test('counts a second delivery without a rebalance', () => {
    send(1)
    receive(0, 0)
    receive(0, 0)
    expect(books()).toMatchObject({ repeated: 1, reread: 0 })
  })

  test('puts a second delivery from the committed offset on down to the consumer, once', () => {
    send(4)
    for (const sequence of [0, 1, 2, 3]) receive(sequence, sequence)
    ledger.group('g').committed(0, 2n)
    ledger.group('g').assigned(0)
    for (const sequence of [2, 3]) receive(sequence, sequence)
    expect(books()).toMatchObject({ received: 4, repeated: 0, reread: 2 })
    expect(clean()).toBe(true)
    receive(3, 3)
    receive(1, 1)
    expect(books()).toMatchObject({ repeated: 2, reread: 2 })
  })

  test('measures the pause of each lane by itself, and those of the cutover apart', () => {
    const acknowledge = (lane: string, now: number) => ledger.acknowledged(lane, [lane], now)
    acknowledge('a', 0)
    acknowledge('a', 5_000)
    ledger.enter('before')
    acknowledge('b', 5_500)
    acknowledge('a', 5_300)
    expect(ledger.books.pause).toEqual({ beforeMs: 300, cutoverMs: 0 })
    ledger.enter('cutover')
    acknowledge('a', 6_000)
    acknowledge('b', 5_600)
    expect(ledger.books.pause).toEqual({ beforeMs: 300, cutoverMs: 700 })
  })

  test('does not take for a pause that a group stood still by itself', () => {
    ledger.enter('cutover')
    receive(0, 0, 'k', 0, 100)
    ledger.group('g').goesOn()
    receive(1, 1, 'k', 0, 9_000)
    receive(2, 2, 'k', 0, 9_200)
    expect(books()?.pause).toEqual({ beforeMs: 0, cutoverMs: 200 })
  })

  test('says all of it in three lines', () => {
    send(2)
    receive(0, 0)
    expect(verdictLines(ledger.books, done, 'two')).toEqual([
      'clusters        two',
      'cutover         phase target after 2.5 s, producing held for 40 ms, then 3.0 s without the source',
      'longest pause   producing 0 ms (before the cutover 0 ms), consuming 0 ms (before 0 ms)',
      'verdict: NOT CLEAN: sent 2, received by g 1, lost 1, out of order 0, repeated 0',
    ])
  })
})
