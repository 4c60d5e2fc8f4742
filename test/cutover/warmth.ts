/** Brokers that have just started compile themselves when they are first asked: a pause of everybody beside them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { createTopics, type Cluster } from '../kafka/index.ts'

const partitions = 6
const everyMs = 20
const commitMs = 200

/** A cluster that somebody else uses as well, until it is left. */
export interface Warmth {
  leave(): Promise<void>
}

/** A producer that is idempotent, one that is not, and a group that commits, on a topic of their own. */
export async function warmUp(cluster: Cluster, topic: string): Promise<Warmth> {
  await createTopics(cluster, [topic], { partitions })
  const brokers = cluster.internalServers.split(',')
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })
  const producers = [kafka.producer(), kafka.producer({ idempotent: true })]
  const consumer = kafka.consumer({ groupId: topic })
  await Promise.all([consumer, ...producers].map((client) => client.connect()))
  await consumer.subscribe({ topics: [topic] })
  await consumer.run({ autoCommitInterval: commitMs, eachMessage: () => Promise.resolve() })
  let isLeft = false
  const produce = async (producer: Producer) => {
    while (!isLeft) {
      await producer.send({ topic, acks: -1, messages: messages() })
      await sleep(everyMs)
    }
  }
  const produced = Promise.all(producers.map(produce))
  return {
    async leave() {
      isLeft = true
      await produced
      await Promise.all([consumer, ...producers].map((client) => client.disconnect()))
    },
  }
}

const messages = () =>
  Array.from({ length: partitions }, (_, partition) => ({ partition, value: 'warm' }))
