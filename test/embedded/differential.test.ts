import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startEmbeddedCluster } from '../../src/embedded/index.ts'
import { errorCodes } from '../../src/protocol/index.ts'
import { requireKafka, startCluster, type Cluster } from '../kafka/index.ts'
import type { Answers } from './questions/given.ts'
import { RawClient } from './raw-client.ts'
import { askEverything } from './scenario.ts'

/** Where releases differ, the embedded cluster answers as the latest. */
const onlyThere: Readonly<Record<string, Answers>> = {
  '3.9.1': {
    'group: commit, unknown group, version 9': [
      [0, errorCodes.ILLEGAL_GENERATION],
      [9, errorCodes.UNKNOWN_TOPIC_OR_PARTITION],
    ],
    'group: delete': errorCodes.GROUP_ID_NOT_FOUND,
  },
}

/** The embedded cluster answers as a real broker does. */
const canRun = await requireKafka()

describe.skipIf(!canRun).each(['3.9.1', '4.3.1'])(
  'the embedded cluster and Kafka %s',
  (version) => {
    let real: Cluster
    let theirs: Answers
    let ours: Answers

    beforeAll(async () => {
      real = await startCluster({
        version,
        brokers: 1,
        properties: { 'auto.create.topics.enable': 'false' },
      })
      const [broker] = real.brokers
      if (broker === undefined) throw new Error('no broker')
      theirs = await answersOf(broker)
      const cluster = await startEmbeddedCluster()
      const [embedded] = cluster.brokers
      if (embedded === undefined) throw new Error('no broker')
      ours = await answersOf(embedded)
      await cluster.stop()
    })

    afterAll(() => real.stop())

    async function answersOf(broker: { host: string; port: number }): Promise<Answers> {
      const asked = await RawClient.open(broker)
      try {
        return await askEverything(asked)
      } finally {
        asked.close()
      }
    }

    test('answer the same to every question', () => {
      expect(Object.keys(ours).length).toBeGreaterThan(100)
      expect({ ...ours, ...onlyThere[version] }).toEqual(theirs)
    })
  },
)
