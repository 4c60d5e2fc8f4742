import { beforeEach, expect, test } from 'vitest'
import { positionOf } from '../../src/migrator/readers.ts'

let restedMs: number
let sharing: number
let readers: readonly { readonly clientId: string; readonly offset: bigint }[]

beforeEach(() => {
  restedMs = 6_000
  sharing = 1
  readers = [
    { clientId: 'app', offset: 44n },
    { clientId: 'other', offset: 2n },
    { clientId: 'app', offset: 40n },
  ]
})

const position = (): bigint | undefined =>
  positionOf(
    {
      progressOf: () => ({ clientIds: ['app'] }) as never,
      sharing: () => sharing,
      restedMs: () => restedMs,
    },
    { readers: () => readers },
    'billing',
    'orders',
    0,
  )

test('a group is where the last of its client id reads', () => {
  expect(position()).toBe(40n)
})

test('nobody knows while fewer read than there are groups of that client id', () => {
  sharing = 3
  expect(position()).toBe(undefined)
  readers = []
  sharing = 1
  expect(position()).toBe(undefined)
})

test('nor while a member may not have asked yet: somebody without a group may have its client id', () => {
  restedMs = 5_999
  expect(position()).toBe(undefined)
})
