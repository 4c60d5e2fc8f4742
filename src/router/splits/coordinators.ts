import { apis, type Api, type Decoded, type Encodable, type Fields } from '../../protocol/index.ts'
import {
  bodyOf,
  split,
  throttle,
  type CoordinatorKind,
  type CoordinatorLookup,
  type Decision,
  type RequestFrame,
} from '../decision.ts'
import type { Destination } from '../table.ts'

/** How one API names several groups, or several transactional ids. */
interface ItemsApi<Q extends Fields, S extends Fields, T> {
  readonly api: Api<Q, S>
  readonly of: CoordinatorKind
  readonly items: readonly T[]
  readonly key: (item: T) => string
  readonly body: (items: readonly T[]) => Encodable<Q>
  readonly merge: (answers: readonly Decoded<S>[]) => Encodable<S>
}

/** Each goes to its coordinator. */
function byCoordinator<Q extends Fields, S extends Fields, T>(
  request: RequestFrame,
  coordinators: CoordinatorLookup,
  { api, of, items, key, body, merge }: ItemsApi<Q, S, T>,
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
const groupIdOf = ({ groupId }: { readonly groupId: string }): string => groupId

/** What most APIs answer: something of each group. */
const mergeGroups = <G>(
  answers: readonly { readonly throttleTimeMs: number; readonly groups: readonly G[] }[],
) => ({
  throttleTimeMs: throttle(answers),
  groups: answers.flatMap(({ groups }) => groups),
})

/** OffsetFetch v8 asks for several groups (KIP-709); before, for one. */
const offsetFetch: Row = (request, coordinators) => {
  const api = apis.offsetFetch
  const asked = bodyOf(api, request)
  return byCoordinator(request, coordinators, {
    api,
    of: 'group',
    items: request.version < 8 ? [{ groupId: asked.groupId }] : asked.groups,
    key: groupIdOf,
    body: (part) => ({ ...asked, groups: asked.groups.filter((group) => part.includes(group)) }),
    merge: mergeGroups,
  })
}

const describeGroups: Row = (request, coordinators) => {
  const api = apis.describeGroups
  const asked = bodyOf(api, request)
  return byCoordinator(request, coordinators, {
    api,
    of: 'group',
    items: asked.groups,
    key: itself,
    body: (groups) => ({ ...asked, groups }),
    merge: mergeGroups,
  })
}

const deleteGroups: Row = (request, coordinators) => {
  const api = apis.deleteGroups
  const asked = bodyOf(api, request)
  return byCoordinator(request, coordinators, {
    api,
    of: 'group',
    items: asked.groupsNames,
    key: itself,
    body: (groupsNames) => ({ ...asked, groupsNames }),
    merge: (answers) => ({
      throttleTimeMs: throttle(answers),
      results: answers.flatMap((answer) => answer.results),
    }),
  })
}

const consumerGroupDescribe: Row = (request, coordinators) => {
  const api = apis.consumerGroupDescribe
  const asked = bodyOf(api, request)
  return byCoordinator(request, coordinators, {
    api,
    of: 'group',
    items: asked.groupIds,
    key: itself,
    body: (groupIds) => ({ ...asked, groupIds }),
    merge: mergeGroups,
  })
}

const shareGroupDescribe: Row = (request, coordinators) => {
  const api = apis.shareGroupDescribe
  const asked = bodyOf(api, request)
  return byCoordinator(request, coordinators, {
    api,
    of: 'group',
    items: asked.groupIds,
    key: itself,
    body: (groupIds) => ({ ...asked, groupIds }),
    merge: mergeGroups,
  })
}

const streamsGroupDescribe: Row = (request, coordinators) => {
  const api = apis.streamsGroupDescribe
  const asked = bodyOf(api, request)
  return byCoordinator(request, coordinators, {
    api,
    of: 'group',
    items: asked.groupIds,
    key: itself,
    body: (groupIds) => ({ ...asked, groupIds }),
    merge: mergeGroups,
  })
}

const describeShareGroupOffsets: Row = (request, coordinators) => {
  const api = apis.describeShareGroupOffsets
  const asked = bodyOf(api, request)
  return byCoordinator(request, coordinators, {
    api,
    of: 'group',
    items: asked.groups,
    key: groupIdOf,
    body: (groups) => ({ ...asked, groups }),
    merge: mergeGroups,
  })
}

const describeTransactions: Row = (request, coordinators) => {
  const api = apis.describeTransactions
  const asked = bodyOf(api, request)
  return byCoordinator(request, coordinators, {
    api,
    of: 'transaction',
    items: asked.transactionalIds,
    key: itself,
    body: (transactionalIds) => ({ ...asked, transactionalIds }),
    merge: (answers) => ({
      throttleTimeMs: throttle(answers),
      transactionStates: answers.flatMap((answer) => answer.transactionStates),
    }),
  })
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
