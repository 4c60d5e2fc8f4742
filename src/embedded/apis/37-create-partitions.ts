import { apis, errorCodes, type CreatePartitionsRequest } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import type { Call } from '../shared.ts'

/** CreatePartitions, versions 0-3: the count only grows; new partitions may be assigned by hand. */
export const createPartitions = handler(
  apis.createPartitions,
  { min: 0, max: 3 },
  (request, call) => ({
    throttleTimeMs: 0,
    results: request.topics.map((asked) => ({
      name: asked.name,
      ...grow(call, request.validateOnly, asked),
    })),
  }),
)

type Asked = CreatePartitionsRequest['topics'][number]

function grow({ shared }: Call, validateOnly: boolean, { name, count, assignments }: Asked) {
  const { state, limits } = shared
  const refused = (errorCode: number, errorMessage: string) => ({ errorCode, errorMessage })
  const topic = state.topics.get(name)
  if (topic === undefined)
    return refused(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${name}' does not exist.`)
  const current = topic.partitions.length
  if (count <= current || count > limits.partitionsMax)
    return refused(
      errorCodes.INVALID_PARTITIONS,
      `Topic currently has ${current} partitions, ${count} are asked for, allowed are ${limits.partitionsMax}.`,
    )
  const replicas = assignments?.map(({ brokerIds }) => brokerIds)
  if (replicas !== undefined) {
    if (replicas.length !== count - current)
      return refused(
        errorCodes.INVALID_REPLICA_ASSIGNMENT,
        `Increasing the number of partitions by ${count - current} but ${replicas.length} assignments provided.`,
      )
    const bad = state.refuseAssignments(replicas)
    if (bad !== undefined) return refused(bad.errorCode, bad.message)
  }
  if (!validateOnly) state.addPartitions(topic, count, replicas)
  return { errorCode: errorCodes.NONE, errorMessage: null }
}
