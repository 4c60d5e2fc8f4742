import { apis, decodeRequest } from '../../protocol/index.ts'
import { byCluster, controllerOfTopic, nameIn, shownNames } from './by-cluster.ts'
import { nativeNode, shownNodes } from './nodes.ts'
import { firstError, throttled, type Translation } from './translation.ts'

/** AlterPartitionReassignments (KIP-455): replicas are named as virtual brokers. */
export const translateAlterPartitionReassignments: Translation = (table, request) => {
  const api = apis.alterPartitionReassignments
  const asked = decodeRequest(api, request.version, request.frame, request.bodyOffset)
  return byCluster(table, request, {
    api,
    items: asked.topics,
    to: ({ name }) => controllerOfTopic(table, name),
    native: (topic, cluster) => ({
      ...topic,
      name: nameIn(table, cluster, topic.name),
      partitions: topic.partitions.map((partition) => ({
        ...partition,
        replicas: partition.replicas?.map((id) => nativeNode(table, cluster, id)) ?? null,
      })),
    }),
    body: (topics) => ({ ...asked, topics }),
    show: (answers, now) => {
      const shown = shownNames(now)
      const all = answers.map(({ answer }) => answer)
      const failed = all.find(({ errorCode }) => errorCode !== 0)
      return {
        throttleTimeMs: throttled(all),
        allowReplicationFactorChange: asked.allowReplicationFactorChange,
        errorCode: firstError(all),
        errorMessage: failed?.errorMessage ?? null,
        responses: answers.flatMap(({ cluster, answer }) =>
          answer.responses.map((topic) => ({ ...topic, name: shown(cluster, topic.name) })),
        ),
      }
    },
  })
}

/** ListPartitionReassignments (KIP-455): of the topics named; of all, if none are, those of the home. */
export const translateListPartitionReassignments: Translation = (table, request) => {
  const api = apis.listPartitionReassignments
  const asked = decodeRequest(api, request.version, request.frame, request.bodyOffset)
  return byCluster(table, request, {
    api,
    items: asked.topics ?? [],
    to: ({ name }) => controllerOfTopic(table, name),
    native: (topic, cluster) => ({ ...topic, name: nameIn(table, cluster, topic.name) }),
    body: (topics) => ({ ...asked, topics }),
    show: (answers, now) => {
      const shown = shownNames(now)
      const all = answers.map(({ answer }) => answer)
      const failed = all.find(({ errorCode }) => errorCode !== 0)
      return {
        throttleTimeMs: throttled(all),
        errorCode: firstError(all),
        errorMessage: failed?.errorMessage ?? null,
        topics: answers.flatMap(({ cluster, answer }) =>
          answer.topics.map((topic) => ({
            ...topic,
            name: shown(cluster, topic.name),
            partitions: topic.partitions.map((partition) => ({
              ...partition,
              replicas: shownNodes(now, cluster, partition.replicas),
              addingReplicas: shownNodes(now, cluster, partition.addingReplicas),
              removingReplicas: shownNodes(now, cluster, partition.removingReplicas),
            })),
          })),
        ),
      }
    },
  })
}
