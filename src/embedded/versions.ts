import { apis, includes, type VersionRange } from '../protocol/index.ts'

export type ApiName = keyof typeof apis

/** Per API: its latest version, a range, or null for an API that the broker does not know. */
export type VersionCaps = Readonly<Partial<Record<ApiName, number | VersionRange | null>>>

/**
 * What brokers of these releases offer for the APIs that the embedded cluster handles: the latest
 * version of each, from Kafka's message definitions at those tags.
 */
export const releases = {
  '2.4': {
    produce: 8,
    fetch: 11,
    listOffsets: 5,
    metadata: 9,
    offsetCommit: 8,
    offsetFetch: 6,
    findCoordinator: 3,
    joinGroup: 6,
    heartbeat: 4,
    leaveGroup: 4,
    syncGroup: 4,
    describeGroups: 5,
    listGroups: 3,
    apiVersions: 3,
    createTopics: 5,
    deleteTopics: 4,
    deleteRecords: 1,
    initProducerId: 2,
    offsetForLeaderEpoch: 3,
    addPartitionsToTxn: 1,
    addOffsetsToTxn: 1,
    endTxn: 1,
    txnOffsetCommit: 2,
    describeConfigs: 2,
    saslAuthenticate: 1,
    createPartitions: 1,
    deleteGroups: 2,
    incrementalAlterConfigs: 1,
    describeCluster: null,
    describeProducers: null,
    listTransactions: null,
  },
  '2.8': {
    produce: 9,
    describeGroups: 5,
    fetch: 12,
    listOffsets: 6,
    metadata: 11,
    offsetCommit: 8,
    offsetFetch: 7,
    findCoordinator: 3,
    joinGroup: 7,
    leaveGroup: 4,
    syncGroup: 5,
    listGroups: 4,
    apiVersions: 3,
    initProducerId: 4,
    offsetForLeaderEpoch: 4,
    addPartitionsToTxn: 3,
    addOffsetsToTxn: 3,
    endTxn: 3,
    txnOffsetCommit: 3,
    describeCluster: 0,
    listTransactions: null,
  },
  '3.2': {
    produce: 9,
    describeGroups: 5,
    fetch: 13,
    listOffsets: 7,
    metadata: 12,
    offsetCommit: 8,
    offsetFetch: 8,
    findCoordinator: 4,
    joinGroup: 9,
    leaveGroup: 5,
    syncGroup: 5,
    listGroups: 4,
    apiVersions: 3,
    initProducerId: 4,
    addPartitionsToTxn: 3,
    addOffsetsToTxn: 3,
    endTxn: 3,
    txnOffsetCommit: 3,
    describeCluster: 0,
    listTransactions: 0,
  },
} as const satisfies Record<string, VersionCaps>

/** What a cluster offers: at most what is handled, at most what was asked for. By API key. */
export type OfferedVersions = ReadonlyMap<number, VersionRange>

/** The login is not a handler among others: it is a state of the connection, see `login.ts`. */
const saslVersions = [
  { api: apis.saslHandshake, versions: { min: 0, max: 1 } },
  { api: apis.saslAuthenticate, versions: { min: 0, max: 2 } },
]

interface Handled {
  readonly api: { readonly key: number }
  readonly versions: VersionRange
}

export function offeredVersions(handled: Iterable<Handled>, caps: VersionCaps): OfferedVersions {
  const capByKey = new Map(Object.entries(caps).map(([name, cap]) => [keyOf(name), cap] as const))
  const offered = new Map<number, VersionRange>()
  for (const { api, versions } of [...handled, ...saslVersions]) {
    const cap = capByKey.get(api.key)
    if (cap === null) continue
    const { min, max } = typeof cap === 'number' ? { min: 0, max: cap } : (cap ?? versions)
    const range = { min: Math.max(min, versions.min), max: Math.min(max, versions.max) }
    if (range.min <= range.max) offered.set(api.key, range)
  }
  return new Map([...offered].sort(([a], [b]) => a - b))
}

function keyOf(name: string): number {
  return Object.entries(apis).find(([each]) => each === name)?.[1].key ?? -1
}

export function isOffered(offered: OfferedVersions, key: number, version: number): boolean {
  const range = offered.get(key)
  return range !== undefined && includes(range, version)
}
