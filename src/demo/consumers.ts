import type { Consumer, Kafka } from 'kafkajs'
import { partitions, topic } from './clusters.ts'
import type { Ledger } from './ledger.ts'
import type { Readings } from './readings.ts'

/** The applications that read: each group reads everything. */
export const groups = [
  { name: 'billing', members: 2 },
  { name: 'audit', members: 1 },
] as const

const consumerConfig = {
  sessionTimeout: 10_000,
  heartbeatInterval: 500,
  maxWaitTimeInMs: 500,
  retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 1_000 },
}

export interface RunningGroup {
  readonly name: string
  /** Reads nothing; its members stay. */
  standStill(): void
  goOn(): void
  stop(): Promise<void>
}

/**
 * Starts the members of a group, and resolves when the group has come to rest: every partition is with
 * one of them.
 */
export async function startGroup(
  kafka: Kafka,
  { name, members }: (typeof groups)[number],
  ledger: Ledger,
): Promise<RunningGroup> {
  const readings = ledger.group(name)
  const assigned = new Map<Consumer, readonly number[]>()
  const rest = Promise.withResolvers<undefined>()
  const consumers = Array.from({ length: members }, () =>
    kafka.consumer({ groupId: name, ...consumerConfig }),
  )
  for (const consumer of consumers) {
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      const given = payload.memberAssignment[topic] ?? []
      for (const partition of given) readings.assigned(partition)
      assigned.set(consumer, given)
      const isComplete = [...assigned.values()].flat().length === partitions
      if (isComplete && assigned.size === members) rest.resolve(undefined)
    })
  }
  await Promise.all(consumers.map((consumer) => startConsumer(consumer, readings)))
  await rest.promise
  return {
    name,
    standStill() {
      for (const consumer of consumers) consumer.pause([{ topic }])
    },
    goOn() {
      readings.goesOn()
      for (const consumer of consumers) consumer.resume([{ topic }])
    },
    async stop() {
      await Promise.all(consumers.map((consumer) => consumer.disconnect()))
    },
  }
}

/** It commits what it has processed, also when it is asked to join again. */
async function startConsumer(consumer: Consumer, readings: Readings): Promise<void> {
  consumer.on(consumer.events.COMMIT_OFFSETS, ({ payload }) => {
    for (const { partitions: committed } of payload.topics)
      for (const { partition, offset } of committed) readings.committed(partition, BigInt(offset))
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage({ partition, message }) {
      const value = message.value?.toString() ?? ''
      const receipt = {
        partition,
        offset: BigInt(message.offset),
        key: message.key?.toString() ?? '',
        sequence: /^\d+$/.test(value) ? Number(value) : null,
      }
      readings.received(receipt, performance.now())
      return Promise.resolve()
    },
  })
}
