import { expect, test } from 'vitest'
import { GrowthSignals } from '../../src/proxy/growth.ts'
import { parallelTable } from '../router/translations/given.ts'

/** `orders` is spliced, and has new partitions. */
const grown = parallelTable()

test('for 10 s from when partitions are new, and not before, clients hurry', () => {
  let [table, nowMs] = [{ ...grown, view: { ...grown.view, spliced: false } }, 0]
  const signals = new GrowthSignals(
    () => table,
    () => nowMs,
  )
  expect(signals.hurries).toBe(false)
  ;[table, nowMs] = [grown, 60_000]
  expect(signals.hurries).toBe(true)
  // Another view of the same.
  ;[table, nowMs] = [{ ...grown, view: { ...grown.view } }, 69_999]
  expect(signals.hurries).toBe(true)
  nowMs = 70_000
  expect(signals.hurries).toBe(false)
})

test('nobody hurries where topics are spliced that are read in order', () => {
  const view = { ...grown.view, topics: new Map() }
  expect(new GrowthSignals(() => ({ ...grown, view })).hurries).toBe(false)
})
