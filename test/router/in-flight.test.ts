import { expect, test } from 'vitest'
import { ProducesInFlight, type ProducedBatch } from '../../src/router/index.ts'
import { movedTable } from './translations/given.ts'

const batch = (baseSequence: number, more: Partial<ProducedBatch> = {}): ProducedBatch => ({
  ...{ topic: 'bills', partition: 0, producerId: 7n, producerEpoch: 0, baseSequence },
  ...more,
})
const table = movedTable()
const everything = () => true
const nothing = () => false

/** Batch 5 was refused at 100 ms. */
function refused(): ProducesInFlight {
  const inFlight = new ProducesInFlight()
  inFlight.sent(1, table, [batch(5)], 0)
  inFlight.answered(1, everything, 100)
  return inFlight
}

test('what comes behind a refused batch overtakes it, and nothing else does', () => {
  const inFlight = refused()
  expect(inFlight.overtakes(batch(6), 200)).toBe(true)
  for (const other of [
    batch(5),
    batch(6, { producerEpoch: 1 }),
    batch(6, { producerId: 8n }),
    batch(6, { partition: 1 }),
    batch(6, { topic: 'orders' }),
  ]) {
    expect(inFlight.overtakes(other, 200)).toBe(false)
  }
})

test('a client that has heard of the refusal is believed', () => {
  const inFlight = refused()
  expect(inFlight.overtakes(batch(6), 1_099)).toBe(true)
  expect(inFlight.overtakes(batch(6), 1_100)).toBe(false)
})

test('the first of several refused batches is the one that must come first', () => {
  const inFlight = new ProducesInFlight()
  inFlight.sent(1, table, [batch(5)], 0)
  inFlight.sent(2, table, [batch(6)], 0)
  inFlight.answered(1, everything, 10)
  inFlight.answered(2, everything, 11)
  expect(inFlight.overtakes(batch(6), 12)).toBe(true)
  inFlight.refused([batch(7)], 13)
  expect(inFlight.overtakes(batch(6), 14)).toBe(true)
  inFlight.sent(3, table, [batch(5)], 15)
  expect(inFlight.overtakes(batch(6), 16)).toBe(false)
})

test('a batch that was taken lets the next one go', () => {
  const inFlight = new ProducesInFlight()
  inFlight.sent(1, table, [batch(5)], 0)
  inFlight.answered(1, nothing, 10)
  expect(inFlight.overtakes(batch(6), 11)).toBe(false)
})

test('another routing of the topic waits until all is answered; one of another topic does not', async () => {
  const inFlight = new ProducesInFlight()
  inFlight.sent(1, table, [batch(5)], 0)
  inFlight.sent(2, table, [batch(6)], 0)
  const moved = { ...table, topics: new Map(table.topics) }
  expect(inFlight.mustSettle(moved, [batch(7)])).toBe(false)
  const bills = table.topics.get('bills')
  if (bills === undefined) throw new Error('there is a topic bills')
  moved.topics.set('bills', { ...bills })
  expect(inFlight.mustSettle(moved, [batch(7)])).toBe(true)
  expect(inFlight.mustSettle(moved, [batch(7, { topic: 'orders' })])).toBe(false)
  let isSettled = false
  const settled = inFlight.settled.then(() => (isSettled = true))
  inFlight.answered(1, nothing, 10)
  await Promise.resolve()
  expect(isSettled).toBe(false)
  inFlight.withdraw(2)
  await settled
  expect(inFlight.mustSettle(moved, [batch(7)])).toBe(false)
})
