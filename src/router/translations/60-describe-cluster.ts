import { assert } from '../../assert.ts'
import { nodeId } from '../../ids.ts'
import { apis } from '../../protocol/index.ts'
import { bodyOf } from '../decision.ts'
import { anyOf } from '../table.ts'
import { shownBrokers, shownController } from './nodes.ts'
import { translated, type Translation } from './translation.ts'

/** DescribeCluster (KIP-700): behind the splice the virtual brokers, and the cluster id that stays. */
export const translateDescribeCluster: Translation = (table, request) => {
  const { view } = table
  if (!view.spliced && view.home === 'source') return undefined
  const api = apis.describeCluster
  const body = bodyOf(api, request)
  return translated(
    api,
    request,
    [{ to: anyOf(view.home), body }],
    ([answer], now) => {
      assert(answer !== undefined, 'the one that was asked has answered')
      if (answer.errorCode !== 0) return answer
      return {
        ...answer,
        clusterId: now.view.clusterId ?? answer.clusterId,
        controllerId: shownController(now, answer.controllerId),
        brokers: shownBrokers(now).map(({ nodeId: brokerId, ...broker }) => ({
          brokerId,
          ...broker,
        })),
      }
    },
    ([answer]) => ({
      facts: [],
      nodeIds:
        view.home === 'source'
          ? (answer?.brokers ?? []).map(({ brokerId }) => nodeId(brokerId))
          : [],
    }),
  )
}
