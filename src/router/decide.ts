import { assert, unreachable } from '../assert.ts'
import { apis, isFlexible } from '../protocol/index.ts'
import type { CoordinatorKind, CoordinatorLookup, Decision, RequestFrame } from './decision.ts'
import { lengthValue, skipInt, stringStart } from './peek/walk.ts'
import { routes } from './routes.ts'
import { coordinatorSplits } from './splits/coordinators.ts'
import {
  splitDeleteRecords,
  splitDescribeProducers,
  splitFetch,
  splitListOffsets,
  splitOffsetForLeaderEpoch,
  splitProduce,
  splitWriteTxnMarkers,
} from './splits/leaders.ts'
import { controller, resourceSplits } from './splits/resources.ts'
import type { RoutingTable } from './table.ts'
import { translate } from './translations/index.ts'

export interface DecideOptions {
  /** The longest that a part of a split Fetch waits, in ms. */
  readonly splitFetchWaitMs: number
}

/**
 * Where a whole request goes. Bytes that do not decode throw `DecodeError`. An API without a row in
 * `routes` never comes here: the session refuses it.
 */
export function decide(
  table: RoutingTable,
  request: RequestFrame,
  coordinators: CoordinatorLookup,
  options: DecideOptions,
): Decision {
  const translated = table.view.hasTarget ? translate(table, request, coordinators) : undefined
  if (translated !== undefined) return translated
  const row = routes.get(request.api.key)
  assert(row !== undefined, `no route for ${request.api.name}`)
  switch (row.route) {
    case 'any':
      return { kind: 'forward', to: 'any' }
    case 'home':
      return { kind: 'forward', to: 'home' }
    case 'controller':
      return { kind: 'forward', to: controller(table) }
    case 'leader':
      return decideByLeader(table, request, options)
    case 'group':
      return decideByCoordinator(request, coordinators, 'group')
    case 'transaction':
      return decideByCoordinator(request, coordinators, 'transaction')
    case 'groups':
    case 'transactions': {
      const decideSplit = coordinatorSplits.get(request.api.key)
      assert(decideSplit !== undefined, `no split for ${request.api.name}`)
      return decideSplit(request, coordinators)
    }
    case 'resource': {
      const decideSplit = resourceSplits.get(request.api.key)
      assert(decideSplit !== undefined, `no split for ${request.api.name}`)
      return decideSplit(table, request)
    }
    case 'sidecar':
      throw new Error(`${request.api.name} is answered by the session`)
    default:
      return unreachable(row.route)
  }
}

function decideByLeader(
  table: RoutingTable,
  request: RequestFrame,
  options: DecideOptions,
): Decision {
  switch (request.api.key) {
    case apis.produce.key:
      return splitProduce(table, request)
    case apis.fetch.key:
      return splitFetch(table, request, options.splitFetchWaitMs)
    case apis.listOffsets.key:
      return splitListOffsets(table, request)
    case apis.deleteRecords.key:
      return splitDeleteRecords(table, request)
    case apis.offsetForLeaderEpoch.key:
      return splitOffsetForLeaderEpoch(table, request)
    case apis.describeProducers.key:
      return splitDescribeProducers(table, request)
    case apis.writeTxnMarkers.key:
      return splitWriteTxnMarkers(table, request)
    default:
      throw new Error(`no split for ${request.api.name}`)
  }
}

/** The body's first field is the id; TxnOffsetCommit has its transactional id before it. */
function decideByCoordinator(
  request: RequestFrame,
  coordinators: CoordinatorLookup,
  of: CoordinatorKind,
): Decision {
  const compact = isFlexible(request.api, request.version, 'request')
  let at = request.bodyOffset
  const { frame } = request
  if (request.api.key === apis.txnOffsetCommit.key) {
    at = stringStart(frame, at, frame.length, compact)
    at = skipInt(at, Math.max(lengthValue, 0), frame.length)
  }
  at = stringStart(frame, at, frame.length, compact)
  const end = skipInt(at, lengthValue, frame.length)
  // Malformed, or InitProducerId without a transactional id: any broker answers.
  if (end < 0 || lengthValue < 0) return { kind: 'forward', to: 'any' }
  const key = frame.toString('utf8', at, end)
  const to = coordinators(of, key)
  if (to !== undefined) return { kind: 'forward', to }
  return { kind: 'ask', question: { kind: 'coordinator', of, keys: [key] } }
}
