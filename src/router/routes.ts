import type { VersionRange } from '../cluster/index.ts'

/**
 * Who must answer each API, and which versions of it are offered: the whole of the routing policy, one
 * row an API.
 *
 * - `sidecar`      answered here, or part of logging in
 * - `any`          every broker knows
 * - `home`         the home of the virtual broker that was asked: the answer is about that broker
 * - `controller`   the controller; brokers before KRaft refuse it elsewhere (41 NOT_CONTROLLER)
 * - `leader`       the leader of each partition named
 * - `group`        the group's coordinator; its id is the first field of the body
 * - `groups`       the coordinators of several groups
 * - `transaction`  the coordinator of a transactional id, the first field of the body
 * - `transactions` the coordinators of several
 * - `resource`     broker resources at that broker, the others anywhere
 */
export type Route =
  | 'sidecar'
  | 'any'
  | 'home'
  | 'controller'
  | 'leader'
  | 'group'
  | 'groups'
  | 'transaction'
  | 'transactions'
  | 'resource'

export interface RouteRow {
  readonly route: Route
  /** The highest version offered, where that is less than what the codec knows. */
  readonly maxVersion?: number
  /** The lowest version offered once a target is configured. */
  readonly minVersionWithTarget?: number
  /** Not offered once a target is configured: a cutover cannot move it yet. */
  readonly withoutTargetOnly?: true
}

export const routes: ReadonlyMap<number, RouteRow> = new Map<number, RouteRow>([
  // v12 begins transactions by itself (KIP-890, transaction version 2), v13 is above it.
  [0, { route: 'leader', maxVersion: 11 }],
  // v16 adds leader hints (KIP-951), v17 and v18 fields of followers: nothing that a consumer misses,
  // and without them an answer names no broker and passes unparsed.
  // v4 brings record batches of format v2, whose offsets are translated in place; so do 4.0's brokers.
  [1, { route: 'leader', maxVersion: 15, minVersionWithTarget: 4 }],
  [2, { route: 'leader' }],
  [3, { route: 'any' }],
  [8, { route: 'group' }],
  [9, { route: 'groups' }],
  [10, { route: 'any' }],
  [11, { route: 'group' }],
  [12, { route: 'group' }],
  [13, { route: 'group' }],
  [14, { route: 'group' }],
  [15, { route: 'groups' }],
  [16, { route: 'home' }],
  [17, { route: 'sidecar' }],
  [18, { route: 'sidecar' }],
  [19, { route: 'controller' }],
  [20, { route: 'controller' }],
  [21, { route: 'leader' }],
  // Transaction version 1: reference caps of KIP-890.
  [22, { route: 'transaction', maxVersion: 5 }],
  [23, { route: 'leader' }],
  // v4 and later are for brokers among themselves.
  [24, { route: 'transaction', maxVersion: 3 }],
  [25, { route: 'transaction', maxVersion: 3 }],
  [26, { route: 'transaction', maxVersion: 4 }],
  [27, { route: 'leader' }],
  [28, { route: 'group', maxVersion: 4 }],
  [29, { route: 'any' }],
  [30, { route: 'controller' }],
  [31, { route: 'controller' }],
  [32, { route: 'resource' }],
  [33, { route: 'resource' }],
  [34, { route: 'home' }],
  [35, { route: 'home' }],
  [36, { route: 'sidecar' }],
  [37, { route: 'controller' }],
  [38, { route: 'controller' }],
  [39, { route: 'controller' }],
  [40, { route: 'controller' }],
  [41, { route: 'any' }],
  [42, { route: 'groups' }],
  [43, { route: 'controller' }],
  [44, { route: 'resource' }],
  [45, { route: 'controller' }],
  [46, { route: 'controller' }],
  [47, { route: 'group' }],
  [48, { route: 'any' }],
  [49, { route: 'controller' }],
  [50, { route: 'controller' }],
  [51, { route: 'controller' }],
  // v2 adds the controllers' addresses (KIP-853).
  [55, { route: 'controller', maxVersion: 1 }],
  [57, { route: 'controller' }],
  [60, { route: 'any' }],
  [61, { route: 'leader' }],
  [65, { route: 'transactions' }],
  [66, { route: 'home' }],
  [68, { route: 'group', withoutTargetOnly: true }],
  [69, { route: 'groups', withoutTargetOnly: true }],
  [74, { route: 'any' }],
  [75, { route: 'any' }],
  [76, { route: 'group', withoutTargetOnly: true }],
  [77, { route: 'groups', withoutTargetOnly: true }],
  [78, { route: 'home', withoutTargetOnly: true }],
  [79, { route: 'home', withoutTargetOnly: true }],
  [88, { route: 'group', withoutTargetOnly: true }],
  [89, { route: 'groups', withoutTargetOnly: true }],
  [90, { route: 'groups', withoutTargetOnly: true }],
  [91, { route: 'group', withoutTargetOnly: true }],
  [92, { route: 'group', withoutTargetOnly: true }],
])

/** The versions of an API that the sidecar understands, or undefined when it is not for applications. */
export function routedVersions(
  apiKey: number,
  codec: VersionRange | undefined,
  hasTarget: boolean,
): VersionRange | undefined {
  const row = routes.get(apiKey)
  if (row === undefined || codec === undefined) return undefined
  if (hasTarget && row.withoutTargetOnly === true) return undefined
  const min = hasTarget ? Math.max(codec.min, row.minVersionWithTarget ?? 0) : codec.min
  return { min, max: Math.min(codec.max, row.maxVersion ?? Infinity) }
}
