import { beforeEach, expect, test } from 'vitest'
import { findReaders } from '../../../src/migrator/preflight/index.ts'
import { apis, errorCodes } from '../../../src/protocol/index.ts'
import { FakeCluster } from '../groups/fake-cluster.ts'
import { join } from './given.ts'

const orders = { name: 'orders', targetName: 'orders', topicId: null, partitions: 2 }
const unordered = [{ ...orders, targetPartitions: 3 }]

let source: FakeCluster

beforeEach(() => {
  source = new FakeCluster('source', () => 0)
})

const reader = (clientId: string, ...topics: readonly string[]) => ({
  clientId,
  topics: new Set(topics),
})

test('who is no member of any group blocks, by client id, once', async () => {
  join(source, 'billing', 'app')
  const reading = [
    reader('app', 'orders'),
    reader('mirror', 'orders', 'bills'),
    reader('mirror', 'orders'),
    reader('', 'orders'),
  ]
  const found = await findReaders(source, reading, unordered)
  expect(found.map(({ severity, subject }) => [severity, subject])).toEqual([
    ['blocking', 'a reader without a client id'],
    ['blocking', 'reader mirror'],
  ])
  expect(found[1]).toMatchObject({
    problem: 'it reads without a group: who reads with assign() is not given the new partitions',
    evidence:
      'it asks for records of orders, which are unordered, and no member of a group has its client id',
    remedy:
      'let it subscribe() as a member of a group, or stop it, or use ordered for these topics',
  })
})

test('who reads ordered topics, or none of the plan, is nothing to speak of', async () => {
  const reading = [reader('mirror', 'orders'), reader('other', 'bills')]
  expect(await findReaders(source, reading, [orders])).toEqual([])
  expect(await findReaders(source, reading.slice(1), unordered)).toEqual([])
  expect(source.asked).toEqual([])
})

test('a group that may not be looked at is a finding of its own', async () => {
  join(source, 'billing', 'app')
  join(source, 'audit', 'auditor')
  const refused: { errorCode: number; members: [] } = {
    errorCode: errorCodes.GROUP_AUTHORIZATION_FAILED,
    members: [],
  }
  const told = { groupState: '', protocolType: '', protocolData: '', authorizedOperations: 0 }
  source.on(apis.describeGroups, ({ groups }) => ({
    groups: groups.map((groupId) => ({ groupId, ...told, ...refused })),
  }))
  const reading = [reader('auditor', 'orders')]
  expect(await findReaders(source, reading, unordered)).toHaveLength(1)
  // What else goes wrong says nothing of who its members are.
  refused.errorCode = errorCodes.UNKNOWN_SERVER_ERROR
  await expect(findReaders(source, reading, unordered)).rejects.toThrow('UNKNOWN_SERVER_ERROR')
})
