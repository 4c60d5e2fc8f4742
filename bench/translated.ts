import { preload } from '../test/cutover/native.ts'
import { flip } from '../test/cutover/flip.ts'
import { createTopics, startCluster } from '../test/kafka/index.ts'
import type { Broker } from './broker.ts'
import { translation } from './cases/translation.ts'
import type { Cores } from './cores.ts'
import { createTopic, smallLog } from './kafka.ts'
import { startSidecar, type SubjectKind } from './subjects.ts'

const sourceVersion = '3.9.1'
const cutoverTimeoutMs = 60_000
/** What the source's partitions hold: by so much offsets differ between clients and the target. */
const sourceRecords = 1_000

/**
 * A sidecar behind a finished cutover to the broker: it patches offsets and producer ids that others
 * pass on as they are. The source stays, as it would for a while, and has nothing to do.
 * @param command what comes before `run`
 */
export function translatedKind(
  command: readonly string[],
  broker: Broker,
  cores: Cores | undefined,
): SubjectKind {
  const { name, partitions, topics } = translation
  return {
    name,
    onlyIn: translation.cases,
    async start({ unpinned = false, wait = true } = {}) {
      const source = await startCluster({ version: sourceVersion, brokers: 1 })
      try {
        await createTopics(source, Object.values(topics), { partitions })
        await createTopic(broker.port, topics.produce, partitions, smallLog)
        await createTopic(broker.port, topics.requests, partitions, smallLog)
        await createTopic(broker.port, topics.consume, partitions)
        await createTopic(broker.port, topics.warm, partitions)
        // What warms up is read from offset 0 without a look at the source.
        for (const topic of [topics.produce, topics.requests, topics.consume])
          await preload(source, topic, 0, sourceRecords)
        const subject = await startSidecar(
          { name, command, source: source.bootstrapServers, target: `127.0.0.1:${broker.port}` },
          { cores: unpinned ? undefined : cores, wait },
        )
        const { reached, refusals } = await flip(subject.admin, {
          ...{ timeoutMs: cutoverTimeoutMs, persist: false },
        })
        if (!reached) throw new Error(`${name}: no cutover: ${refusals.join('; ')}`)
        const stop = async () => {
          await subject.stop()
          await source.stop()
        }
        return { ...subject, stop }
      } catch (err) {
        await source.stop()
        throw err
      }
    },
  }
}
