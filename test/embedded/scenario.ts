import { setTimeout as sleep } from 'node:timers/promises'
import {
  apis,
  batchLayout,
  crc32c,
  encodeBatch,
  encodeSubscription,
  errorCodes,
  type RequestInput,
} from '../../src/protocol/index.ts'
import { batchOf, produceOf } from './batches.ts'
import type { RawClient } from './raw-client.ts'

/**
 * Questions to a cluster of one broker, of which every broker must answer the same: what is collected
 * are error codes and offsets, by the name of the question.
 */
export type Answers = Record<string, unknown>

const topic = 'orders'
const unknownId = 'AAAAAAAAAAAAAAAAAAAAQQ'

export async function askEverything(asked: RawClient): Promise<Answers> {
  await prepare(asked)
  return {
    ...(await askMetadata(asked)),
    ...(await askProduce(asked)),
    ...(await askProducers(asked)),
    ...(await askFetch(asked)),
    ...(await askOffsets(asked)),
    ...(await askGroups(asked)),
    ...(await askTransactions(asked)),
    ...(await askTopics(asked)),
  }
}

/** A coordinator needs a moment to make its topics. */
async function prepare(asked: RawClient): Promise<void> {
  const made = { name: topic, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
  await asked.ask(apis.createTopics, 5, { topics: [made], timeoutMs: 10_000 })
  for (const [keyType, key] of [
    [0, 'billing'],
    [1, 'tx'],
  ] as const) {
    const find = { keyType, key }
    while ((await asked.ask(apis.findCoordinator, 3, find)).errorCode !== 0) await sleep(100)
  }
  const unloaded: readonly number[] = [
    errorCodes.COORDINATOR_LOAD_IN_PROGRESS,
    errorCodes.NOT_COORDINATOR,
    errorCodes.COORDINATOR_NOT_AVAILABLE,
  ]
  const init = { transactionalId: 'tx', transactionTimeoutMs: 60_000 }
  while (unloaded.includes((await asked.ask(apis.initProducerId, 3, init)).errorCode))
    await sleep(100)
  const fetch = { groupId: 'billing', topics: null }
  while (unloaded.includes((await asked.ask(apis.offsetFetch, 5, fetch)).errorCode))
    await sleep(100)
}

async function askMetadata(asked: RawClient): Promise<Answers> {
  const errorOf = async (name: string, version = 9) => {
    const topics = [{ name }]
    const answer = await asked.ask(apis.metadata, version, {
      topics,
      allowAutoTopicCreation: false,
    })
    return answer.topics.map(({ errorCode }) => errorCode)
  }
  const byId = await asked.ask(apis.metadata, 12, { topics: [{ topicId: unknownId, name: null }] })
  const known = await asked.ask(apis.metadata, 9, {
    topics: [{ name: topic }],
    includeTopicAuthorizedOperations: true,
  })
  const coordinator = await asked.ask(apis.findCoordinator, 3, { keyType: 9, key: 'x' })
  const none = await asked.ask(apis.metadata, 9, { topics: [] })
  const versions = await asked.ask(apis.apiVersions, 3, {
    clientSoftwareName: '-bad-',
    clientSoftwareVersion: '',
  })
  return {
    'metadata of an unknown topic': await errorOf('nowhere'),
    'metadata of an illegal name': await errorOf('a b'),
    'metadata of an unknown id': byId.topics.map(({ errorCode, name }) => [errorCode, name]),
    'metadata of a known topic': known.topics.map((each) => [
      each.errorCode,
      each.topicAuthorizedOperations,
      each.partitions
        .map(({ errorCode, leaderEpoch, partitionIndex }) => [
          ...[partitionIndex, errorCode, leaderEpoch],
        ])
        .sort(),
    ]),
    'metadata of no topic': none.topics.length,
    'coordinator of an unknown kind': coordinator.errorCode,
    'a bad software name': versions.errorCode,
  }
}

type Produced = readonly [errorCode: number | undefined, baseOffset: bigint | undefined]

async function produce(
  asked: RawClient,
  records: Buffer | null,
  { version = 9, index = 0, name = topic, acks = -1 } = {},
): Promise<Produced> {
  const answer = await asked.ask(apis.produce, version, produceOf(name, index, records, { acks }))
  const partition = answer.responses[0]?.partitionResponses[0]
  return [partition?.errorCode, partition?.baseOffset]
}

/** The same batch with some bytes changed, and a checksum that is right again. */
function changed(batch: Buffer, change: (batch: Buffer) => void): Buffer {
  const copy = Buffer.from(batch)
  change(copy)
  copy.writeUInt32BE(crc32c(copy, batchLayout.attributes), batchLayout.crc)
  return copy
}

async function askProduce(asked: RawClient): Promise<Answers> {
  const sound = batchOf(['a', 'b'])
  const wrongCrc = Buffer.from(sound)
  wrongCrc.writeUInt8(wrongCrc.readUInt8(wrongCrc.length - 1) ^ 1, wrongCrc.length - 1)
  const control = encodeBatch({
    ...{ producerId: 1n, producerEpoch: 0, baseSequence: 0, isControl: true },
    records: [{ timestamp: 1n, value: Buffer.from('x') }],
  })
  const miscounted = changed(sound, (batch) => batch.writeInt32BE(5, batchLayout.lastOffsetDelta))
  return {
    'produce: sound': await produce(asked, sound),
    'produce: the next one': await produce(asked, sound, { acks: 1 }),
    'produce: unknown topic': await produce(asked, sound, { name: 'nowhere' }),
    'produce: unknown partition': await produce(asked, sound, { index: 7 }),
    'produce: wrong checksum': await produce(asked, wrongCrc),
    'produce: two batches': await produce(asked, Buffer.concat([sound, sound])),
    'produce: control batch': await produce(asked, control),
    'produce: wrong count': await produce(asked, miscounted),
    'produce: acks 5': await produce(asked, sound, { acks: 5 }),
    'produce: too large': await produce(asked, batchOf(['x'.repeat(1_100_000)])),
    'produce: after all that': await produce(asked, sound),
  }
}

async function askProducers(asked: RawClient): Promise<Answers> {
  const { producerId } = await asked.ask(apis.initProducerId, 3, {
    transactionalId: null,
    transactionTimeoutMs: 1000,
  })
  const send = (baseSequence: number, producerEpoch = 0, count = 1, id = producerId) =>
    produce(
      asked,
      batchOf(Array<string>(count).fill('p'), { producerId: id, producerEpoch, baseSequence }),
      { index: 1 },
    )
  const answers: Answers = {}
  const steps: readonly (readonly [string, readonly [number, number?, number?, bigint?]])[] = [
    ['first', [0]],
    ['second', [1]],
    ['third, of two', [2, 0, 2]],
    ['second again', [1]],
    ['third again', [2, 0, 2]],
    ['part of the third', [3]],
    ['a gap', [9]],
    ['new epoch, not from 0', [4, 1]],
    ['new epoch, from 0', [0, 1]],
    ['the old epoch', [4, 0]],
    ['first of the new epoch again', [0, 1]],
    ['an id without history, not from 0', [5, 0, 1, producerId + 500n]],
  ]
  for (const [name, args] of steps) answers[`producer: ${name}`] = await send(...args)
  for (let sequence = 1; sequence < 7; sequence++) await send(sequence, 1)
  answers['producer: the fifth last again'] = await send(2, 1)
  answers['producer: the sixth last again'] = await send(1, 1)
  const described = await asked.ask(apis.describeProducers, 0, {
    topics: [{ name: topic, partitionIndexes: [1, 9] }],
  })
  answers['producer: described'] = described.topics[0]?.partitions.map((each) => [
    each.errorCode,
    each.activeProducers
      .map(({ producerEpoch, lastSequence, coordinatorEpoch, currentTxnStartOffset }) => [
        ...[producerEpoch, lastSequence, coordinatorEpoch, currentTxnStartOffset],
      ])
      .sort(),
  ])
  return answers
}

type FetchInput = RequestInput<typeof apis.fetch>
type FetchPartition = FetchInput['topics'][number]['partitions'][number]

async function fetch(
  asked: RawClient,
  partition: Partial<FetchPartition>,
  { version = 12, ...rest }: Partial<FetchInput> & { version?: number; name?: string } = {},
): Promise<unknown> {
  const partitions = [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 100_000, ...partition }]
  const answer = await asked.ask(apis.fetch, version, {
    maxWaitMs: 0,
    minBytes: 0,
    topics: [{ topic: rest.name ?? topic, topicId: unknownId, partitions }],
    forgottenTopicsData: [],
    ...rest,
  })
  return [
    answer.errorCode,
    answer.responses.map(({ partitions: found }) =>
      found.map((each) => [
        ...[each.errorCode, each.highWatermark, each.lastStableOffset, each.logStartOffset],
        ...[each.divergingEpoch, (each.records?.length ?? 0) > 0],
      ]),
    ),
  ]
}

async function askFetch(asked: RawClient): Promise<Answers> {
  const session = { sessionId: 12345, sessionEpoch: 3 }
  return {
    'fetch: from the start': await fetch(asked, {}),
    'fetch: at the end': await fetch(asked, { fetchOffset: 6n }),
    'fetch: beyond the end': await fetch(asked, { fetchOffset: 7n }),
    'fetch: before the start': await fetch(asked, { fetchOffset: -3n }),
    'fetch: unknown partition': await fetch(asked, { partition: 9 }),
    'fetch: unknown topic': await fetch(asked, {}, { name: 'nowhere' }),
    'fetch: unknown id': await fetch(asked, {}, { version: 13 }),
    'fetch: epoch too new': await fetch(asked, { currentLeaderEpoch: 9 }),
    'fetch: last epoch unknown': await fetch(asked, { lastFetchedEpoch: 9 }),
    'fetch: last epoch, position beyond': await fetch(asked, {
      ...{ lastFetchedEpoch: 0, fetchOffset: 9n },
    }),
    'fetch: unknown session': await fetch(asked, {}, session),
    'fetch: unknown session at its end': await fetch(asked, {}, { ...session, sessionEpoch: -1 }),
  }
}

async function askOffsets(asked: RawClient): Promise<Answers> {
  const answers: Answers = {}
  const list = async (timestamp: bigint, version: number, partition = 0, epoch = -1) => {
    const partitions = [{ partitionIndex: partition, timestamp, currentLeaderEpoch: epoch }]
    const answer = await asked.ask(apis.listOffsets, version, {
      ...{ replicaId: -1, isolationLevel: 0, topics: [{ name: topic, partitions }] },
    })
    const found = answer.topics[0]?.partitions[0]
    return [found?.errorCode, found?.timestamp, found?.offset, found?.leaderEpoch]
  }
  for (const timestamp of [-1n, -2n, 0n, 1001n, 5000n])
    for (const version of [1, 5])
      answers[`list offsets: ${timestamp} in version ${version}`] = await list(timestamp, version)
  answers['list offsets: greatest timestamp'] = await list(-3n, 7)
  answers['list offsets: unknown partition'] = await list(-1n, 5, 9)
  answers['list offsets: epoch too new'] = await list(-1n, 5, 0, 9)
  for (const leaderEpoch of [0, 3, -1]) {
    const partitions = [{ partition: 0, leaderEpoch }]
    const answer = await asked.ask(apis.offsetForLeaderEpoch, 3, {
      topics: [{ topic, partitions }],
    })
    answers[`end of epoch ${leaderEpoch}`] = answer.topics[0]?.partitions
  }
  return answers
}

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

async function askGroups(asked: RawClient): Promise<Answers> {
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

async function askTransactions(asked: RawClient): Promise<Answers> {
  const answers: Answers = {}
  const init = async (transactionalId: string, transactionTimeoutMs = 60_000) =>
    asked.ask(apis.initProducerId, 3, { transactionalId, transactionTimeoutMs })
  const { producerId, producerEpoch } = await init('tx')
  const add = async (name: string, id = producerId, epoch = producerEpoch, tx = 'tx') => {
    const answer = await asked.ask(apis.addPartitionsToTxn, 3, {
      v3AndBelowTransactionalId: tx,
      v3AndBelowProducerId: id,
      v3AndBelowProducerEpoch: epoch,
      v3AndBelowTopics: [
        { name: topic, partitions: [0] },
        { name, partitions: [1] },
      ],
    })
    return answer.resultsByTopicV3AndBelow
      .flatMap(({ resultsByPartition }) => resultsByPartition)
      .map(({ partitionErrorCode }) => partitionErrorCode)
      .sort()
  }
  const end = async (committed: boolean, epoch = producerEpoch, tx = 'tx') => {
    const request = { transactionalId: tx, producerId, producerEpoch: epoch, committed }
    for (;;) {
      const { errorCode } = await asked.ask(apis.endTxn, 2, request)
      // A real coordinator writes its markers after the answer.
      if (errorCode !== errorCodes.CONCURRENT_TRANSACTIONS) return errorCode
      await sleep(50)
    }
  }
  answers['transaction: timeout too long'] = (await init('tx2', 1_000_000_000)).errorCode
  answers['transaction: no timeout'] = (await init('tx2', 0)).errorCode
  answers['transaction: no name'] = (await init('')).errorCode
  answers['transaction: end of none'] = await end(true)
  answers['transaction: add, unknown topic'] = await add('nowhere')
  answers['transaction: add, other id'] = await add(topic, producerId + 9n)
  answers['transaction: add, other epoch'] = await add(topic, producerId, producerEpoch + 1)
  answers['transaction: add, unknown name'] = await add(topic, producerId, producerEpoch, 'none')
  const listed = async (
    filter: Partial<RequestInput<typeof apis.listTransactions>>,
    version: 0 | 1 = 0,
  ) => {
    const all = { stateFilters: [], producerIdFilters: [] }
    const answer = await asked.ask(apis.listTransactions, version, { ...all, ...filter })
    const states = answer.transactionStates.map((each) => [
      each.transactionalId,
      each.producerId === producerId,
      each.transactionState,
    ])
    return [answer.errorCode, answer.unknownStateFilters, states]
  }
  answers['transaction: listed before the first'] = await listed({})
  answers['transaction: listed before the first, old'] = await listed(
    { durationFilter: 60_000n },
    1,
  )
  answers['transaction: add'] = await add(topic)
  answers['transaction: listed'] = await listed({})
  answers['transaction: listed, young'] = await listed({ durationFilter: 60_000n }, 1)
  answers['transaction: listed by state'] = await listed({ stateFilters: ['Ongoing', 'Empty'] })
  answers['transaction: listed by another'] = await listed({ stateFilters: ['CompleteCommit'] })
  answers['transaction: listed by none'] = await listed({ stateFilters: ['ongoing'] })
  answers['transaction: listed by id'] = await listed({ producerIdFilters: [producerId] })
  answers['transaction: listed by other id'] = await listed({
    producerIdFilters: [producerId + 9n],
  })
  answers['transaction: end, other epoch'] = await end(true, producerEpoch + 1)
  answers['transaction: end, unknown name'] = await end(true, producerEpoch, 'none')
  answers['transaction: end'] = await end(true)
  answers['transaction: end again'] = await end(true)
  answers['transaction: end otherwise'] = await end(false)
  return answers
}

async function askTopics(asked: RawClient): Promise<Answers> {
  type Asked = Partial<RequestInput<typeof apis.createTopics>['topics'][number]>
  const create = async (...asks: readonly Asked[]) => {
    const topics = asks.map((ask) => ({
      ...{ name: 'new', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
      ...ask,
    }))
    const request = { topics, timeoutMs: 10_000, validateOnly: true }
    const answer = await asked.ask(apis.createTopics, 5, request)
    return answer.topics.map(({ errorCode }) => errorCode).sort()
  }
  const grow = async (name: string, count: number) => {
    const topics = [{ name, count, assignments: null }]
    const request = { topics, timeoutMs: 10_000, validateOnly: true }
    return (await asked.ask(apis.createPartitions, 1, request)).results[0]?.errorCode
  }
  const trim = async (offset: bigint, partitionIndex = 0) => {
    const topics = [{ name: topic, partitions: [{ partitionIndex, offset }] }]
    const answer = await asked.ask(apis.deleteRecords, 1, { topics, timeoutMs: 10_000 })
    const found = answer.topics[0]?.partitions[0]
    return [found?.errorCode, found?.lowWatermark]
  }
  const configsOf = async (resourceType: number, resourceName: string) => {
    const resources = [{ resourceType, resourceName, configurationKeys: ['cleanup.policy'] }]
    const answer = await asked.ask(apis.describeConfigs, 1, { resources })
    return answer.results.map((each) => [
      each.errorCode,
      each.configs.map(({ name, value, configSource }) => [name, value, configSource]),
    ])
  }
  const alter = async (name: string, value: string | null, configOperation = 0, to = topic) => {
    const configs = [{ name, value, configOperation }]
    const resources = [{ resourceType: 2, resourceName: to, configs }]
    const answer = await asked.ask(apis.incrementalAlterConfigs, 0, {
      resources,
      validateOnly: true,
    })
    return answer.responses[0]?.errorCode
  }
  const remove = await asked.ask(apis.deleteTopics, 4, {
    ...{ topicNames: ['nowhere'], timeoutMs: 10_000 },
  })
  return {
    'create: new': await create({}),
    'create: there already': await create({ name: topic }),
    'create: illegal name': await create({ name: 'a b' }),
    'create: no partitions': await create({ numPartitions: 0 }),
    'create: too many replicas': await create({ replicationFactor: 5 }),
    'create: no replicas': await create({ replicationFactor: 0 }),
    'create: twice': await create({}, {}),
    'create: unknown configuration': await create({ configs: [{ name: 'x', value: '1' }] }),
    'create: bad configuration': await create({ configs: [{ name: 'retention.ms', value: 'x' }] }),
    'create: assigned and counted': await create({
      assignments: [{ partitionIndex: 0, brokerIds: [1] }],
    }),
    'create: assigned to a stranger': await create({
      ...{ numPartitions: -1, replicationFactor: -1 },
      assignments: [{ partitionIndex: 0, brokerIds: [77] }],
    }),
    'grow: more': await grow(topic, 3),
    'grow: as many': await grow(topic, 2),
    'grow: fewer': await grow(topic, 1),
    'grow: unknown': await grow('nowhere', 3),
    'delete records: beyond': await trim(1_000n),
    'delete records: some': await trim(1n),
    'delete records: before that': await trim(0n),
    'delete records: unknown partition': await trim(0n, 9),
    'delete topic: unknown': remove.responses.map(({ errorCode }) => errorCode),
    'configs: of a topic': await configsOf(2, topic),
    'configs: of an unknown topic': await configsOf(2, 'nowhere'),
    'alter: known': await alter('retention.ms', '5'),
    'alter: delete': await alter('retention.ms', null, 1),
    'alter: unknown': await alter('x', '5'),
    'alter: bad value': await alter('retention.ms', 'x'),
    'alter: unknown topic': await alter('retention.ms', '5', 0, 'nowhere'),
    'fetch: before the start that was moved': await fetch(asked, { fetchOffset: 0n }),
  }
}
