import { partitionKey, type MigrationState, type ReadPartition } from '../router/index.ts'
import type { Cluster } from './cluster.ts'
import { fetchOffsets, type CommittedOffsets } from './groups/group-requests.ts'
import type { OpenEnds } from './groups/index.ts'

/** How far the groups that have moved have read the source's partitions of unordered topics. */
export class ReadEnds {
  readonly #source: Cluster
  /** A group's offsets on the source stay as they were when it moved. */
  readonly #committed = new Map<string, CommittedOffsets>()

  constructor(source: Cluster) {
    this.#source = source
  }

  /**
   * Of each partition the lowest offset that a group which has moved has committed; its end where none has.
   * @returns undefined until the source's groups have read it, and where nothing is read on both clusters
   */
  async of(
    { phase, topics, groups }: MigrationState,
    ends: OpenEnds,
  ): Promise<readonly ReadPartition[] | undefined> {
    const parallel = [...topics.values()].filter((topic) => topic.parallel !== undefined)
    if (phase !== 'drained' || parallel.length === 0) return undefined
    const moved = [...groups].flatMap(([group, standing]) => (standing === 'moved' ? [group] : []))
    const committed = await Promise.all(moved.map((group) => this.#committedOf(group)))
    return parallel.flatMap(({ name: topic, parallel: shape }) =>
      Array.from({ length: shape?.sourcePartitions ?? 0 }, (_, partition): ReadPartition => {
        const seen = ends.of(topic, partition)
        if (seen === undefined) {
          throw new Error(`the end of ${partitionKey(topic, partition)} is not known`)
        }
        const read = committed.flatMap(
          (offsets) => offsets.get(topic)?.get(partition)?.offset ?? [],
        )
        return { topic, partition, end: lowest(read) ?? seen.end }
      }),
    )
  }

  async #committedOf(group: string): Promise<CommittedOffsets> {
    const known = this.#committed.get(group) ?? (await fetchOffsets(this.#source, group))
    this.#committed.set(group, known)
    return known
  }
}

const lowest = (offsets: readonly bigint[]): bigint | undefined =>
  offsets.reduce<bigint | undefined>(
    (low, offset) => (low === undefined || offset < low ? offset : low),
    undefined,
  )
