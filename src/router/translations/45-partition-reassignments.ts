import { apis, errorCodes, type ListPartitionReassignmentsResponse } from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import type { RoutingTable } from '../table.ts'
import {
  byCluster,
  byEveryCluster,
  controllerOfTopic,
  inBothClusters,
  nameIn,
  shownNames,
  visibleNames,
  type Answered,
} from './by-cluster.ts'
import { nativeNode, shownNodes } from './nodes.ts'
import { firstError, type Translation } from './translation.ts'

/** AlterPartitionReassignments (KIP-455): replicas are named as virtual brokers. */
export const translateAlterPartitionReassignments: Translation = (table, request) => {
  const api = apis.alterPartitionReassignments
  const asked = bodyOf(api, request)
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
    refused: {
      topic: ({ name }) => name,
      answer: (topics) => ({
        throttleTimeMs: 0,
        allowReplicationFactorChange: asked.allowReplicationFactorChange,
        errorCode: 0,
        errorMessage: null,
        responses: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: errorCodes.INVALID_REQUEST,
            errorMessage: inBothClusters,
          })),
        })),
      }),
    },
    show: (answers, now) => {
      const shown = shownNames(now)
      const all = answers.map(({ answer }) => answer)
      const failed = all.find(({ errorCode }) => errorCode !== 0)
      return {
        throttleTimeMs: throttle(all),
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

/** ListPartitionReassignments (KIP-455): of the topics named; of all, if none are, in each cluster. */
export const translateListPartitionReassignments: Translation = (table, request) => {
  const api = apis.listPartitionReassignments
  const asked = bodyOf(api, request)
  if (asked.topics === null) return byEveryCluster(table, request, api, asked, showListed)
  return byCluster(table, request, {
    api,
    items: asked.topics,
    to: ({ name }) => controllerOfTopic(table, name),
    native: (topic, cluster) => ({ ...topic, name: nameIn(table, cluster, topic.name) }),
    body: (topics) => ({ ...asked, topics }),
    show: showListed,
  })
}

function showListed(
  answers: readonly Answered<typeof apis.listPartitionReassignments.response.fields>[],
  table: RoutingTable,
): ListPartitionReassignmentsResponse {
  const visible = visibleNames(table)
  const all = answers.map(({ answer }) => answer)
  const failed = all.find(({ errorCode }) => errorCode !== 0)
  return {
    throttleTimeMs: throttle(all),
    errorCode: firstError(all),
    errorMessage: failed?.errorMessage ?? null,
    topics: answers.flatMap(({ cluster, answer }) =>
      answer.topics.flatMap((topic) => {
        const name = visible(cluster, topic.name)
        if (name === undefined) return []
        const partitions = topic.partitions.map((partition) => ({
          ...partition,
          replicas: shownNodes(table, cluster, partition.replicas),
          addingReplicas: shownNodes(table, cluster, partition.addingReplicas),
          removingReplicas: shownNodes(table, cluster, partition.removingReplicas),
        }))
        return [{ ...topic, name, partitions }]
      }),
    ),
  }
}
