import { assert } from '../../assert.ts'
import { apis } from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import { anyOf, homeOf } from '../table.ts'
import { byCluster, visibleNames } from './by-cluster.ts'
import { clusterOfTransactions, translated, type Translation } from './translation.ts'

/*
 * A transactional producer is known to its clients by the id that its coordinator gave it (InitProducerId), and
 * transactions live in one cluster: so ids pass as they are, and only topics have other names.
 */

/** DescribeTransactions (KIP-664): where transactions live, those topics that clients see, as they know them. */
export const translateDescribeTransactions: Translation = (table, request, coordinators) => {
  const cluster = clusterOfTransactions(table.view)
  if (cluster === 'source') return undefined
  const api = apis.describeTransactions
  const asked = bodyOf(api, request)
  const coordinator = (id: string) => coordinators('transaction', id, cluster)
  const unknown = asked.transactionalIds.filter((id) => coordinator(id) === undefined)
  if (unknown.length > 0) {
    return {
      kind: 'ask',
      question: { kind: 'coordinator', of: 'transaction', keys: unknown, cluster },
    }
  }
  return byCluster(table, request, {
    api,
    items: asked.transactionalIds,
    to: (id) => coordinator(id) ?? anyOf(cluster),
    native: (id) => id,
    body: (transactionalIds) => ({ transactionalIds }),
    show: (answers, now) => {
      const visible = visibleNames(now)
      return {
        throttleTimeMs: throttle(answers.map(({ answer }) => answer)),
        transactionStates: answers.flatMap(({ answer }) =>
          answer.transactionStates.map((state) => ({
            ...state,
            topics: state.topics.flatMap((each) => {
              const topic = visible(cluster, each.topic)
              return topic === undefined ? [] : [{ ...each, topic }]
            }),
          })),
        ),
      }
    },
  })
}

/** ListTransactions (KIP-664), every version: what that home of the virtual broker coordinates. */
export const translateListTransactions: Translation = ({ view }, request) => {
  const cluster = clusterOfTransactions(view)
  if (cluster === view.home) return undefined
  const api = apis.listTransactions
  const body = bodyOf(api, request)
  return translated(api, request, [{ to: homeOf(cluster), body }], ([answer]) => {
    assert(answer !== undefined, 'the one that was asked has answered')
    return answer
  })
}
