import {
  apis,
  decodeRequest,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
} from '../../protocol/index.ts'
import {
  split,
  throttle,
  type CoordinatorKind,
  type CoordinatorLookup,
  type Decision,
  type RequestFrame,
} from '../decision.ts'
import type { Destination } from '../table.ts'

/** Requests that name several groups, or several transactional ids, go to the coordinator of each. */
function byCoordinator<Q extends Fields, S extends Fields, T>(
  api: Api<Q, S>,
  request: RequestFrame,
  coordinators: CoordinatorLookup,
  of: CoordinatorKind,
  items: readonly T[],
  key: (item: T) => string,
  body: (items: readonly T[]) => Encodable<Q>,
  merge: (answers: readonly Decoded<S>[]) => Encodable<S>,
): Decision {
  const mine = new Map<Destination, T[]>()
  const unknown: string[] = []
  for (const item of items) {
    const to = coordinators(of, key(item))
    if (to === undefined) unknown.push(key(item))
    else if (!mine.get(to)?.push(item)) mine.set(to, [item])
  }
  if (unknown.length > 0)
    return { kind: 'ask', question: { kind: 'coordinator', of, keys: unknown } }
  const [only] = mine.keys()
  if (only === undefined) return { kind: 'forward', to: 'any' }
  if (mine.size === 1) return { kind: 'forward', to: only }
  return split(api, request, new Map([...mine].map(([to, part]) => [to, body(part)])), merge)
}

type Row = (request: RequestFrame, coordinators: CoordinatorLookup) => Decision

const itself = (name: string): string => name

/** OffsetFetch v8 asks for several groups (KIP-709); before, for one. */
const offsetFetch: Row = (request, coordinators) => {
  const api = apis.offsetFetch
  const asked = decodeRequest(api, request.version, request.frame, request.bodyOffset)
  const groups = request.version < 8 ? [{ groupId: asked.groupId }] : asked.groups
  return byCoordinator(
    api,
    request,
    coordinators,
    'group',
    groups,
    (group) => group.groupId,
    (part) => ({ ...asked, groups: asked.groups.filter((group) => part.includes(group)) }),
    (answers) => ({
      throttleTimeMs: throttle(answers),
      groups: answers.flatMap((answer) => answer.groups),
    }),
  )
}

const describeGroups: Row = (request, coordinators) => {
  const api = apis.describeGroups
  const asked = decodeRequest(api, request.version, request.frame, request.bodyOffset)
  return byCoordinator(
    api,
    request,
    coordinators,
    'group',
    asked.groups,
    itself,
    (groups) => ({ ...asked, groups }),
    (answers) => ({
      throttleTimeMs: throttle(answers),
      groups: answers.flatMap((answer) => answer.groups),
    }),
  )
}

const deleteGroups: Row = (request, coordinators) => {
  const api = apis.deleteGroups
  const asked = decodeRequest(api, request.version, request.frame, request.bodyOffset)
  return byCoordinator(
    api,
    request,
    coordinators,
    'group',
    asked.groupsNames,
    itself,
    (groupsNames) => ({ ...asked, groupsNames }),
    (answers) => ({
      throttleTimeMs: throttle(answers),
      results: answers.flatMap((answer) => answer.results),
    }),
  )
}

const consumerGroupDescribe: Row = (request, coordinators) => {
  const api = apis.consumerGroupDescribe
  const asked = decodeRequest(api, request.version, request.frame, request.bodyOffset)
  return byCoordinator(
    api,
    request,
    coordinators,
    'group',
    asked.groupIds,
    itself,
    (groupIds) => ({ ...asked, groupIds }),
    (answers) => ({
      throttleTimeMs: throttle(answers),
      groups: answers.flatMap((answer) => answer.groups),
    }),
  )
}

const shareGroupDescribe: Row = (request, coordinators) => {
  const api = apis.shareGroupDescribe
  const asked = decodeRequest(api, request.version, request.frame, request.bodyOffset)
  return byCoordinator(
    api,
    request,
    coordinators,
    'group',
    asked.groupIds,
    itself,
    (groupIds) => ({ ...asked, groupIds }),
    (answers) => ({
      throttleTimeMs: throttle(answers),
      groups: answers.flatMap((answer) => answer.groups),
    }),
  )
}

const streamsGroupDescribe: Row = (request, coordinators) => {
  const api = apis.streamsGroupDescribe
  const asked = decodeRequest(api, request.version, request.frame, request.bodyOffset)
  return byCoordinator(
    api,
    request,
    coordinators,
    'group',
    asked.groupIds,
    itself,
    (groupIds) => ({ ...asked, groupIds }),
    (answers) => ({
      throttleTimeMs: throttle(answers),
      groups: answers.flatMap((answer) => answer.groups),
    }),
  )
}

const describeShareGroupOffsets: Row = (request, coordinators) => {
  const api = apis.describeShareGroupOffsets
  const asked = decodeRequest(api, request.version, request.frame, request.bodyOffset)
  return byCoordinator(
    api,
    request,
    coordinators,
    'group',
    asked.groups,
    (group) => group.groupId,
    (groups) => ({ ...asked, groups }),
    (answers) => ({
      throttleTimeMs: throttle(answers),
      groups: answers.flatMap((answer) => answer.groups),
    }),
  )
}

const describeTransactions: Row = (request, coordinators) => {
  const api = apis.describeTransactions
  const asked = decodeRequest(api, request.version, request.frame, request.bodyOffset)
  return byCoordinator(
    api,
    request,
    coordinators,
    'transaction',
    asked.transactionalIds,
    itself,
    (transactionalIds) => ({ ...asked, transactionalIds }),
    (answers) => ({
      throttleTimeMs: throttle(answers),
      transactionStates: answers.flatMap((answer) => answer.transactionStates),
    }),
  )
}

export const coordinatorSplits: ReadonlyMap<number, Row> = new Map([
  [apis.offsetFetch.key, offsetFetch],
  [apis.describeGroups.key, describeGroups],
  [apis.deleteGroups.key, deleteGroups],
  [apis.describeTransactions.key, describeTransactions],
  [apis.consumerGroupDescribe.key, consumerGroupDescribe],
  [apis.shareGroupDescribe.key, shareGroupDescribe],
  [apis.streamsGroupDescribe.key, streamsGroupDescribe],
  [apis.describeShareGroupOffsets.key, describeShareGroupOffsets],
])
