import { describe, test } from 'vitest'
import { apis } from '../../src/protocol/index.ts'
import { expectSplit, splits, type Split } from './splits.ts'

const groups = ['a', 'b', 'c', 'd', 'e']
const described = { errorCode: 0, groupState: '', protocolType: '', protocolData: '', members: [] }
/** What a group of a newer protocol is described with, beside its id. */
const describedAnew = {
  errorCode: 0,
  groupState: '',
  groupEpoch: 1,
  assignmentEpoch: 1,
  assignorName: '',
  members: [],
}
const coordinatorSplits: readonly Split[] = [
  ...splits({
    api: apis.offsetFetch,
    since: 8,
    list: 'groups',
    items: groups,
    ask: (items) => ({
      requireStable: true,
      groups: items.map((groupId) => ({ groupId, topics: null })),
    }),
    asked: (body) => body.groups.map(({ groupId }) => groupId),
    answer: (items, throttleTimeMs) => ({
      throttleTimeMs,
      groups: items.map((groupId) => ({ groupId, topics: [], errorCode: 0 })),
    }),
    answered: (body) => body.groups.map(({ groupId }) => groupId),
  }),
  ...splits({
    api: apis.describeGroups,
    list: 'groups',
    items: groups,
    ask: (items) => ({ groups: items }),
    asked: (body) => body.groups,
    answer: (items, throttleTimeMs) => ({
      throttleTimeMs,
      groups: items.map((groupId) => ({ groupId, ...described })),
    }),
    answered: (body) => body.groups.map(({ groupId }) => groupId),
  }),
  ...splits({
    api: apis.deleteGroups,
    list: 'groupsNames',
    items: groups,
    ask: (items) => ({ groupsNames: items }),
    asked: ({ groupsNames }) => groupsNames,
    answer: (items, throttleTimeMs) => ({
      throttleTimeMs,
      results: items.map((groupId) => ({ groupId, errorCode: 0 })),
    }),
    answered: ({ results }) => results.map(({ groupId }) => groupId),
  }),
  ...splits({
    api: apis.consumerGroupDescribe,
    list: 'groupIds',
    items: groups,
    ask: (items) => ({ groupIds: items, includeAuthorizedOperations: true }),
    asked: ({ groupIds }) => groupIds,
    answer: (items, throttleTimeMs) => ({
      throttleTimeMs,
      groups: items.map((groupId) => ({ groupId, ...describedAnew })),
    }),
    answered: (body) => body.groups.map(({ groupId }) => groupId),
  }),
  ...splits({
    api: apis.shareGroupDescribe,
    list: 'groupIds',
    items: groups,
    ask: (items) => ({ groupIds: items, includeAuthorizedOperations: true }),
    asked: ({ groupIds }) => groupIds,
    answer: (items, throttleTimeMs) => ({
      throttleTimeMs,
      groups: items.map((groupId) => ({ groupId, ...describedAnew })),
    }),
    answered: (body) => body.groups.map(({ groupId }) => groupId),
  }),
  ...splits({
    api: apis.streamsGroupDescribe,
    list: 'groupIds',
    items: groups,
    ask: (items) => ({ groupIds: items, includeAuthorizedOperations: false }),
    asked: ({ groupIds }) => groupIds,
    answer: (items, throttleTimeMs) => ({
      throttleTimeMs,
      groups: items.map((groupId) => ({
        groupId,
        errorCode: 0,
        groupState: '',
        groupEpoch: 1,
        assignmentEpoch: 1,
        topology: null,
        members: [],
      })),
    }),
    answered: (body) => body.groups.map(({ groupId }) => groupId),
  }),
  ...splits({
    api: apis.describeShareGroupOffsets,
    list: 'groups',
    items: groups,
    ask: (items) => ({ groups: items.map((groupId) => ({ groupId, topics: null })) }),
    asked: (body) => body.groups.map(({ groupId }) => groupId),
    answer: (items, throttleTimeMs) => ({
      throttleTimeMs,
      groups: items.map((groupId) => ({ groupId, topics: [], errorCode: 0 })),
    }),
    answered: (body) => body.groups.map(({ groupId }) => groupId),
  }),
  ...splits({
    api: apis.describeTransactions,
    list: 'transactionalIds',
    items: groups,
    ask: (items) => ({ transactionalIds: items }),
    asked: ({ transactionalIds }) => transactionalIds,
    answer: (items, throttleTimeMs) => ({
      throttleTimeMs,
      transactionStates: items.map((transactionalId) => ({
        errorCode: 0,
        transactionalId,
        transactionState: '',
        transactionTimeoutMs: 1,
        transactionStartTimeMs: 1n,
        producerId: 1n,
        producerEpoch: 1,
        topics: [],
      })),
    }),
    answered: ({ transactionStates }) =>
      transactionStates.map(({ transactionalId }) => transactionalId),
  }),
]

const resources = ['2 orders', '4 1', '4 3', '8 1', '2 bills', '4 ']
const resourceOf = (item: string) => {
  const [type, name = ''] = item.split(' ')
  return { resourceType: Number(type), resourceName: name }
}
const itemOf = (resource: { resourceType: number; resourceName: string }): string =>
  `${resource.resourceType} ${resource.resourceName}`
const fine = { errorCode: 0, errorMessage: null }
const resourceSplits: readonly Split[] = [
  ...splits({
    api: apis.describeConfigs,
    list: 'resources',
    items: resources,
    ask: (items) => ({
      resources: items.map((item) => ({ ...resourceOf(item), configurationKeys: null })),
    }),
    asked: (body) => body.resources.map(itemOf),
    answer: (items, throttleTimeMs) => ({
      throttleTimeMs,
      results: items.map((item) => ({ ...fine, ...resourceOf(item), configs: [] })),
    }),
    answered: ({ results }) => results.map(itemOf),
  }),
  ...splits({
    api: apis.alterConfigs,
    list: 'resources',
    items: resources,
    ask: (items) => ({
      resources: items.map((item) => ({ ...resourceOf(item), configs: [] })),
      validateOnly: true,
    }),
    asked: (body) => body.resources.map(itemOf),
    answer: (items, throttleTimeMs) => ({
      throttleTimeMs,
      responses: items.map((item) => ({ ...fine, ...resourceOf(item) })),
    }),
    answered: ({ responses }) => responses.map(itemOf),
  }),
  ...splits({
    api: apis.incrementalAlterConfigs,
    list: 'resources',
    items: resources,
    ask: (items) => ({
      resources: items.map((item) => ({ ...resourceOf(item), configs: [] })),
      validateOnly: true,
    }),
    asked: (body) => body.resources.map(itemOf),
    answer: (items, throttleTimeMs) => ({
      throttleTimeMs,
      responses: items.map((item) => ({ ...fine, ...resourceOf(item) })),
    }),
    answered: ({ responses }) => responses.map(itemOf),
  }),
]

describe('groups and transactional ids go to their coordinators', () => {
  test.each(coordinatorSplits)('$name v$version', (split) =>
    expectSplit(split, { a: 1, b: 2, c: 3, d: 1, e: 2 }),
  )
})

describe('resources go to the broker that they are about', () => {
  test.each(resourceSplits)('$name v$version', (split) =>
    expectSplit(split, { '4 1': 1, '4 3': 3, '8 1': 1 }),
  )
})
