import { expect, test } from 'vitest'
import { decodeStickyUserData, encodeStickyUserData } from '../../src/protocol/index.ts'

const orders = '00000001' + '0006' + Buffer.from('orders').toString('hex') + '00000002' + '00000000' + '00000007' // prettier-ignore
const previousAssignment = [{ topic: 'orders', partitions: [0, 7] }]
const hex = (text: string): Buffer => Buffer.from(text, 'hex')

test.each([
  [0, orders, { previousAssignment, generation: -1 }],
  [1, orders + '00000005', { previousAssignment, generation: 5 }],
  [1, '0000000000000003', { previousAssignment: [], generation: 3 }],
])('user data v%i of a sticky assignor', (version, bytes, message) => {
  const data = decodeStickyUserData(hex(bytes))
  expect(data).toEqual({ version, message })
  expect(data && encodeStickyUserData(data).toString('hex')).toBe(bytes)
})

test.each([
  ['a generation alone, as cooperative assignors write', '00000005'],
  ['nothing', ''],
  ['a rack', Buffer.from('eu-west-1a').toString('hex')],
  ['more than there should be', orders + '0000000500'],
  ['a list that is null', 'ffffffff'],
])('%s is something else', (_what, bytes) => {
  expect(decodeStickyUserData(hex(bytes))).toBeUndefined()
})
