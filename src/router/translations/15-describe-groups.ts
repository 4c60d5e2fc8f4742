import type { ClusterName } from '../../ids.ts'
import { apis } from '../../protocol/index.ts'
import { bodyOf, throttle, type CoordinatorLookup, type Decision } from '../decision.ts'
import { anyOf, type Destination, type RoutingTable } from '../table.ts'
import { placeOf } from '../view.ts'
import { byCluster } from './by-cluster.ts'
import { rewordAssignment, rewordSubscription, toShownWords } from './consumer-payloads.ts'
import { type Translation } from './translation.ts'

const clusterOf = ({ view }: RoutingTable, group: string): ClusterName =>
  placeOf(view, group) === 'target' ? 'target' : 'source'

/** Where each group lives, or what must be asked first, of one cluster at a time. */
function coordinatorsOf(
  table: RoutingTable,
  groups: readonly string[],
  coordinators: CoordinatorLookup,
): ((group: string) => Destination) | Extract<Decision, { kind: 'ask' }> {
  const find = (group: string) => coordinators('group', group, clusterOf(table, group))
  const unknown = groups.filter((group) => find(group) === undefined)
  const [first] = unknown
  // All are known: the fallback is for the types only.
  if (first === undefined) return (group) => find(group) ?? anyOf(clusterOf(table, group))
  const cluster = clusterOf(table, first)
  const keys = unknown.filter((group) => clusterOf(table, group) === cluster)
  return { kind: 'ask', question: { kind: 'coordinator', of: 'group', keys, cluster } }
}

/** DescribeGroups, every version: each group where it lives, what its members read as clients know it. */
export const translateDescribeGroups: Translation = (table, request, coordinators) => {
  const api = apis.describeGroups
  const asked = bodyOf(api, request)
  if (!table.view.spliced) return undefined
  const to = coordinatorsOf(table, asked.groups, coordinators)
  if (typeof to !== 'function') return to
  return byCluster(table, request, {
    api,
    items: asked.groups,
    to,
    native: (group) => group,
    body: (groups) => ({ ...asked, groups }),
    show: (answers, now) => {
      const words = toShownWords(now.view)
      return {
        throttleTimeMs: throttle(answers.map(({ answer }) => answer)),
        groups: answers.flatMap(({ cluster, answer }) =>
          answer.groups.map((group) =>
            cluster === 'source' || group.protocolType !== 'consumer'
              ? group
              : {
                  ...group,
                  members: group.members.map((member) => ({
                    ...member,
                    memberMetadata: rewordSubscription(member.memberMetadata, words),
                    memberAssignment: rewordAssignment(member.memberAssignment, words),
                  })),
                },
          ),
        ),
      }
    },
  })
}

/** DeleteGroups (KIP-229): each group where it lives. */
export const translateDeleteGroups: Translation = (table, request, coordinators) => {
  const api = apis.deleteGroups
  const asked = bodyOf(api, request)
  if (!table.view.spliced) return undefined
  const to = coordinatorsOf(table, asked.groupsNames, coordinators)
  if (typeof to !== 'function') return to
  return byCluster(table, request, {
    api,
    items: asked.groupsNames,
    to,
    native: (group) => group,
    body: (groupsNames) => ({ ...asked, groupsNames }),
    show: (answers) => ({
      throttleTimeMs: throttle(answers.map(({ answer }) => answer)),
      results: answers.flatMap(({ answer }) => answer.results),
    }),
  })
}
