import { apis, errorCodes, type CreateTopicsRequest } from '../../protocol/index.ts'
import { refuseTopicConfig } from '../configs.ts'
import { handler } from '../handler.ts'
import type { Call } from '../shared.ts'

/**
 * CreateTopics, versions 0-7, at any broker, as with KRaft. -1 is the broker's default number of
 * partitions or replicas: v4 was made to announce that, brokers since 2.4 take it in any version
 * (KIP-464). v5: the answer describes the topic. v7: topic ids.
 *
 * The answer's configurations are those that were given, not all that apply.
 */
export const createTopics = handler(apis.createTopics, { min: 0, max: 7 }, (request, call) => {
  const names = request.topics.map(({ name }) => name)
  const twice = new Set(names.filter((name, index) => names.indexOf(name) < index))
  return {
    topics: [
      ...request.topics
        .filter(({ name }) => !twice.has(name))
        .map((asked) => create(call, request, asked)),
      ...[...twice].map((name) => ({
        name,
        errorCode: errorCodes.INVALID_REQUEST,
        errorMessage: 'Duplicate topic name.',
      })),
    ],
  }
})

type Asked = CreateTopicsRequest['topics'][number]

function create({ shared }: Call, { validateOnly }: CreateTopicsRequest, asked: Asked) {
  const { state } = shared
  const refused = (errorCode: number, errorMessage: string) => ({
    name: asked.name,
    errorCode,
    errorMessage,
  })
  const isAssigned = asked.assignments.length > 0
  if (isAssigned && (asked.numPartitions !== -1 || asked.replicationFactor !== -1))
    return refused(
      errorCodes.INVALID_REQUEST,
      'Assignments exclude numbers of partitions, replicas.',
    )
  const partitions = asked.numPartitions === -1 ? shared.defaultPartitions : asked.numPartitions
  const replicas = asked.replicationFactor === -1 ? shared.defaultReplicas : asked.replicationFactor
  const assignments = isAssigned
    ? { assignments: byPartition(asked).map(({ brokerIds }) => brokerIds) }
    : {}
  const wanted = { name: asked.name, partitions, replicas, ...assignments }
  const refusal = state.refuseTopic(wanted) ?? refuseConfigs(asked) ?? refuseGaps(asked)
  if (refusal !== undefined) return refused(refusal.errorCode, refusal.message)
  const configs = new Map(asked.configs.map(({ name, value }) => [name, value ?? '']))
  const id = shared.newUuid()
  if (!validateOnly) state.createTopic({ ...wanted, id, configs })
  return {
    name: asked.name,
    errorCode: errorCodes.NONE,
    errorMessage: null,
    ...(validateOnly ? {} : { topicId: id }),
    numPartitions: isAssigned ? asked.assignments.length : partitions,
    replicationFactor: isAssigned ? (asked.assignments[0]?.brokerIds.length ?? -1) : replicas,
    configs: asked.configs.map(({ name, value }) => ({
      name,
      value,
      readOnly: false,
      configSource: 1,
      isSensitive: false,
    })),
  }
}

const byPartition = ({ assignments }: Asked) =>
  [...assignments].sort((a, b) => a.partitionIndex - b.partitionIndex)

function refuseGaps(asked: Asked) {
  const isGapless = byPartition(asked).every(
    ({ partitionIndex }, index) => partitionIndex === index,
  )
  if (isGapless) return undefined
  const message = 'partitions should be a consecutive 0-based integer sequence'
  return { errorCode: errorCodes.INVALID_REPLICA_ASSIGNMENT, message }
}

function refuseConfigs({ configs }: Asked) {
  for (const { name, value } of configs) {
    const refused = refuseTopicConfig(name, value)
    if (refused !== undefined) return refused
  }
  return undefined
}
