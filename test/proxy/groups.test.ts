/** Who waits while a group moves, and how many. */
import { expect, test } from 'vitest'
import { Groups } from '../../src/proxy/groups.ts'
import type { RoutingTable } from '../../src/router/index.ts'

const joinOf = (memberId: string) => ({
  ...{ groupId: 'billing', memberId, groupInstanceId: null, protocolType: 'consumer' },
  ...{ sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 60_000, protocols: [], reason: null },
})

const holding = (...memberIds: readonly string[]) => {
  const groups = new Groups(() => ({}) as RoutingTable)
  const done = memberIds.map((id, i) => groups.hold(joinOf(id), `app ${i}`, 100 * (i + 1)))
  const held = () => {
    const { members, sinceMs, count } = groups.held('billing')
    return { clients: members.map(({ clientId }) => clientId), sinceMs, count }
  }
  return { done, held }
}

test('a member that joins anew before its lost connection is noticed waits once', () => {
  const { done, held } = holding('a', 'b', 'a')
  expect(held()).toEqual({ clients: ['app 2', 'app 1'], sinceMs: 100, count: 2 })
  done[0]?.()
  expect(held().count).toBe(2)
  done[2]?.()
  expect(held()).toEqual({ clients: ['app 1'], sinceMs: 100, count: 1 })
  done[1]?.()
  expect(held()).toEqual({ clients: [], sinceMs: null, count: 0 })
})

test('who has no member id yet is counted each', () => {
  expect(holding('', '').held().count).toBe(2)
})
