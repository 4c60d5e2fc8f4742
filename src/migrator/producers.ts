import type { Log } from '../log.ts'
import type { WantedBase } from '../router/index.ts'
import type { Cluster } from './cluster.ts'
import type { DataPlane } from './data-plane.ts'
import type { MigrationRecord } from './record.ts'
import { readRetained } from './retain.ts'

export interface ProducersOptions {
  readonly source: Cluster
  readonly plane: DataPlane
  readonly record: MigrationRecord
  readonly log: Log
  /** ms since the epoch */
  readonly now: () => number
}

/** How long producers wait for what the source holds of them, in ms: no client bears more than 8 s. */
const retainMsMax = 4_000

/** What idempotent producers need behind the splice: that the target takes up where the source left off. */
export class Producers {
  readonly #options: ProducersOptions
  readonly #wanted = new Set<string>()

  constructor(options: ProducersOptions) {
    this.#options = options
    options.plane.bases.wanted = (wanted) => this.#keepBase(wanted)
  }

  /** What the journal says of sequence numbers. */
  load(): void {
    const { plane, record } = this.#options
    for (const base of record.state.sequenceBases) {
      const timeline = record.state.topics.get(base.topic)?.timelines[base.partition]
      if (timeline !== undefined) plane.bases.keep({ timeline, ...base }, base.base)
    }
  }

  /** Reads what the source holds of producers that may send it again; meanwhile their batches wait. */
  async retain(): Promise<void> {
    const { plane, source, record, now, log } = this.#options
    await Promise.all(
      record.timelines.map(async ({ timeline }) => {
        const closed = timeline.findLast((segment) => segment.end !== null)
        const deadline = now() + retainMsMax
        for (;;) {
          try {
            const batches = closed === undefined ? [] : await readRetained(source, closed, now())
            return plane.retained.keep(timeline, batches)
          } catch (err) {
            if (now() < deadline) {
              await source.refresh()
              continue
            }
            log.warn(
              { topic: closed?.topic, partition: closed?.partition, err },
              'the end of the source could not be read: a batch whose answer was lost may be written twice',
            )
            return plane.retained.keep(timeline, [])
          }
        }
      }),
    )
    plane.retry()
  }

  /** A producer's first batch waits until its base is in the journal. */
  #keepBase({ timeline, producerId, producerEpoch, base }: WantedBase): void {
    const { plane, record, log } = this.#options
    const [{ topic, partition }] = timeline
    const key = `${topic} ${partition} ${producerId} ${producerEpoch}`
    if (this.#wanted.has(key)) return
    this.#wanted.add(key)
    record
      .append({ kind: 'sequence-base', topic, partition, producerId, producerEpoch, base })
      .then(() => plane.retry())
      .catch((err: unknown) => {
        log.error({ topic, partition, err }, 'a producer waits for the journal')
      })
      .finally(() => this.#wanted.delete(key))
  }
}
