import { apis, errorCodes, type ElectLeadersResponse } from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import type { RoutingTable } from '../table.ts'
import {
  byCluster,
  byEveryCluster,
  controllerOfTopic,
  inBothClusters,
  nameIn,
  visibleNames,
  type Answered,
} from './by-cluster.ts'
import { firstError, type Translation } from './translation.ts'

type Fields = typeof apis.electLeaders.response.fields

/** ElectLeaders: of the partitions named; of all, if none are, in each cluster. */
export const translateElectLeaders: Translation = (table, request) => {
  const api = apis.electLeaders
  const asked = bodyOf(api, request)
  if (asked.topicPartitions === null) return byEveryCluster(table, request, api, asked, show)
  return byCluster(table, request, {
    api,
    items: asked.topicPartitions,
    to: ({ topic }) => controllerOfTopic(table, topic),
    native: (item, cluster) => ({ ...item, topic: nameIn(table, cluster, item.topic) }),
    body: (topicPartitions) => ({ ...asked, topicPartitions }),
    show,
    refused: {
      topic: ({ topic }) => topic,
      answer: (items) => ({
        throttleTimeMs: 0,
        errorCode: 0,
        replicaElectionResults: items.map(({ topic, partitions }) => ({
          topic,
          partitionResult: partitions.map((partitionId) => ({
            partitionId,
            errorCode: errorCodes.INVALID_REQUEST,
            errorMessage: inBothClusters,
          })),
        })),
      }),
    },
  })
}

function show(answers: readonly Answered<Fields>[], table: RoutingTable): ElectLeadersResponse {
  const visible = visibleNames(table)
  const all = answers.map(({ answer }) => answer)
  return {
    throttleTimeMs: throttle(all),
    errorCode: firstError(all),
    replicaElectionResults: answers.flatMap(({ cluster, answer }) =>
      answer.replicaElectionResults.flatMap((result) => {
        const topic = visible(cluster, result.topic)
        return topic === undefined ? [] : [{ ...result, topic }]
      }),
    ),
  }
}
