import { apis, encodeSubscription, type RequestInput } from '../../../src/protocol/index.ts'
import type { RawClient } from '../raw-client.ts'
import { topic, type Answers } from './given.ts'

type CommitInput = RequestInput<typeof apis.offsetCommit>

async function commit(
  asked: RawClient,
  rest: Partial<CommitInput> & { name?: string; metadata?: string; version?: number },
): Promise<unknown> {
  const { name = topic, metadata = '', version = 7, ...request } = rest
  const partitions = [
    { partitionIndex: 0, committedOffset: 777n, committedMetadata: metadata },
    { partitionIndex: 9, committedOffset: 1n, committedMetadata: metadata },
  ]
  const answer = await asked.ask(apis.offsetCommit, version, {
    groupId: 'billing',
    topics: [{ name, partitions }],
    ...request,
  })
  return answer.topics[0]?.partitions
    .map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode])
    .sort()
}

export async function askGroups(asked: RawClient): Promise<Answers> {
  const answers: Answers = {}
  const subscription = encodeSubscription(0, { topics: [topic] })
  const join = async (rest: Partial<RequestInput<typeof apis.joinGroup>>, version = 5) =>
    asked.ask(apis.joinGroup, version, {
      groupId: 'billing',
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription }],
      ...rest,
    })
  const beat = async (groupId: string, memberId: string, generationId: number) =>
    (await asked.ask(apis.heartbeat, 3, { groupId, memberId, generationId })).errorCode
  const sync = async (memberId: string, generationId: number) =>
    asked.ask(apis.syncGroup, 3, {
      ...{ groupId: 'billing', memberId, generationId },
      assignments: [{ memberId, assignment: Buffer.from('all') }],
    })
  const leave = async (groupId: string, memberId: string) => {
    const members = [{ memberId }]
    const answer = await asked.ask(apis.leaveGroup, 4, { groupId, members })
    return [answer.errorCode, answer.members.map(({ errorCode }) => errorCode)]
  }
  const describe = async (groupId: string, version = 4) =>
    (await asked.ask(apis.describeGroups, version, { groups: [groupId] })).groups.map((each) => [
      ...[each.errorCode, each.groupState, each.protocolType, each.protocolData],
      each.members.map(({ clientId, memberAssignment }) => [clientId, memberAssignment.toString()]),
    ])
  const remove = async (groupId: string) =>
    (await asked.ask(apis.deleteGroups, 1, { groupsNames: [groupId] })).results[0]?.errorCode
  const forget = async (name: string, groupId = 'billing') => {
    const topics = [{ name, partitions: [{ partitionIndex: 0 }] }]
    const answer = await asked.ask(apis.offsetDelete, 0, { groupId, topics })
    return [answer.errorCode, answer.topics[0]?.partitions]
  }
  const committed = async () => {
    const answer = await asked.ask(apis.offsetFetch, 5, { groupId: 'billing', topics: null })
    return [answer.errorCode, answer.topics]
  }

  answers['group: heartbeat, unknown group'] = await beat('none', 'm', 1)
  answers['group: heartbeat, no name'] = await beat('', 'm', 1)
  answers['group: leave, unknown group'] = await leave('none', 'm')
  answers['group: describe, unknown group'] = await describe('none')
  answers['group: delete, unknown group'] = await remove('none')
  answers['group: forget, unknown group'] = await forget(topic, 'none')
  answers['group: commit, unknown group with a generation'] = await commit(asked, {
    ...{ groupId: 'none', memberId: 'm', generationIdOrMemberEpoch: 1 },
  })
  answers['group: commit, unknown group, version 9'] = await commit(asked, {
    ...{ groupId: 'none', memberId: 'm', generationIdOrMemberEpoch: 1, version: 9 },
  })
  answers['group: join, unknown member'] = (await join({ memberId: 'm' })).errorCode
  answers['group: join, no name'] = (await join({ groupId: '' })).errorCode
  answers['group: join, session too short'] = (await join({ sessionTimeoutMs: 1 })).errorCode
  answers['group: join, no protocol'] = (await join({ protocols: [] })).errorCode
  answers['group: simple commit'] = await commit(asked, {})
  answers['group: simple commit, long metadata'] = await commit(asked, {
    metadata: 'x'.repeat(4097),
  })
  answers['group: simple commit, unknown topic'] = await commit(asked, { name: 'nowhere' })
  answers['group: committed'] = await committed()
  answers['group: describe, only offsets'] = await describe('billing')

  const first = await join({})
  answers['group: first join'] = [first.errorCode, first.memberId !== '']
  const { memberId, ...joined } = await join({ memberId: first.memberId })
  const generation = joined.generationId
  answers['group: second join'] = [
    ...[joined.errorCode, generation, joined.protocolName, joined.leader === memberId],
    joined.members.length,
  ]
  answers['group: heartbeat before sync'] = await beat('billing', memberId, generation)
  answers['group: commit before sync'] = await commit(asked, {
    ...{ memberId, generationIdOrMemberEpoch: generation },
  })
  answers['group: sync, other generation'] = (await sync(memberId, generation + 1)).errorCode
  answers['group: sync, other member'] = (await sync('m', generation)).errorCode
  const synced = await sync(memberId, generation)
  answers['group: sync'] = [synced.errorCode, synced.assignment.toString()]
  answers['group: heartbeat'] = await beat('billing', memberId, generation)
  answers['group: heartbeat, other generation'] = await beat('billing', memberId, generation + 1)
  answers['group: heartbeat, other member'] = await beat('billing', 'm', generation)
  answers['group: join, other protocol'] = (
    await join({ protocols: [{ name: 'other', metadata: subscription }] })
  ).errorCode
  answers['group: join, other kind'] = (await join({ protocolType: 'connect' })).errorCode
  answers['group: describe'] = await describe('billing')
  answers['group: commit'] = await commit(asked, {
    ...{ memberId, generationIdOrMemberEpoch: generation },
  })
  answers['group: commit, other generation'] = await commit(asked, {
    ...{ memberId, generationIdOrMemberEpoch: generation + 1 },
  })
  answers['group: commit, other member'] = await commit(asked, {
    ...{ memberId: 'm', generationIdOrMemberEpoch: generation },
  })
  answers['group: commit, nobody'] = await commit(asked, {})
  answers['group: commit, instance unknown'] = await commit(asked, {
    ...{ memberId, groupInstanceId: 'i', generationIdOrMemberEpoch: generation },
  })
  answers['group: delete, with members'] = await remove('billing')
  answers['group: forget, subscribed'] = await forget(topic)
  answers['group: leave, other member'] = await leave('billing', 'm')
  answers['group: leave'] = await leave('billing', memberId)
  answers['group: heartbeat after leaving'] = await beat('billing', memberId, generation)
  answers['group: describe, empty'] = await describe('billing')
  answers['group: forget'] = await forget(topic)
  answers['group: committed after that'] = await committed()
  answers['group: delete'] = await remove('billing')
  return answers
}
