import { apis, decodeRequest } from '../../protocol/index.ts'
import { byCluster, controllerOfTopic, nameIn, shownNames } from './by-cluster.ts'
import { firstError, throttled, type Translation } from './translation.ts'

/** ElectLeaders: of the partitions named; of all, if none are, the controller of the home. */
export const translateElectLeaders: Translation = (table, request) => {
  const api = apis.electLeaders
  const asked = decodeRequest(api, request.version, request.frame, request.bodyOffset)
  return byCluster(table, request, {
    api,
    items: asked.topicPartitions ?? [],
    to: ({ topic }) => controllerOfTopic(table, topic),
    native: (item, cluster) => ({ ...item, topic: nameIn(table, cluster, item.topic) }),
    body: (topicPartitions) => ({ ...asked, topicPartitions }),
    show: (answers, now) => {
      const shown = shownNames(now)
      return {
        throttleTimeMs: throttled(answers.map(({ answer }) => answer)),
        errorCode: firstError(answers.map(({ answer }) => answer)),
        replicaElectionResults: answers.flatMap(({ cluster, answer }) =>
          answer.replicaElectionResults.map((result) => ({
            ...result,
            topic: shown(cluster, result.topic),
          })),
        ),
      }
    },
  })
}
