import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { partitions, topic } from './clusters.ts'
import { groups, startGroup } from './consumers.ts'
import type { Ledger } from './ledger.ts'
import { producers, startProducer } from './producers.ts'

/** Unmodified kafkajs clients that know one address, that of the sidecar, and nothing of a cutover. */
export interface Applications {
  /** A group stops reading for a while, as one that is busy with something else does, and goes on. */
  standStill(group: string): void
  goOn(group: string): void
  /** Ends the producers, then waits until everything acknowledged has arrived, but not for ever. */
  finish(): Promise<void>
}

/** Above a session timeout: a group may have to notice first that a member is gone. */
const arrivalTimeoutMs = 12_000
/** Where no broker is left, kafkajs goes on for a quarter of an hour. */
const stopTimeoutMs = 15_000

/** Resolves when all of them are at work: first the groups, so that they have come to rest. */
export async function startApplications(bootstrap: string, ledger: Ledger): Promise<Applications> {
  const kafka = client(bootstrap)
  const running = await Promise.all(groups.map((group) => startGroup(kafka, group, ledger)))
  const stopProducers = await Promise.all(
    producers.map((producer) => startProducer(kafka, producer, ledger)),
  )
  const groupOf = (name: string) => running.filter((group) => group.name === name)
  return {
    standStill(name) {
      for (const group of groupOf(name)) group.standStill()
    },
    goOn(name) {
      for (const group of groupOf(name)) group.goOn()
    },
    async finish() {
      await orTimeout(Promise.all(stopProducers.map((stop) => stop())))
      await allArrived(ledger)
      await orTimeout(Promise.all(running.map((group) => group.stop())))
    },
  }
}

/** A few records that the target holds before any cutover: no application may ever be given them. */
export async function writeEarlier(bootstrap: string): Promise<void> {
  const producer = client(bootstrap).producer()
  await producer.connect()
  const messages = Array.from({ length: partitions }, (_, partition) => partition).flatMap(
    (partition) =>
      Array.from({ length: partition + 1 }, () => ({ partition, key: '', value: 'earlier' })),
  )
  await producer.send({ topic, messages })
  await producer.disconnect()
}

const client = (bootstrap: string): Kafka =>
  new Kafka({
    clientId: 'demo',
    brokers: bootstrap.split(','),
    // Its log would write over the display; what matters of it, the ledger sees.
    logLevel: logLevel.NOTHING,
    logCreator: () => () => {},
    retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 1_000 },
  })

async function orTimeout(ended: Promise<unknown>): Promise<void> {
  const timer = new AbortController()
  const timeout = sleep(stopTimeoutMs, undefined, { signal: timer.signal }).catch(() => undefined)
  await Promise.race([ended, timeout])
  timer.abort()
}

/** Or nothing has arrived for so long that nothing will. */
async function allArrived(ledger: Ledger): Promise<void> {
  let before = -1
  let end = 0
  for (;;) {
    const { groups: books } = ledger.books
    if (books.every(({ lost }) => lost === 0)) return
    const received = books.reduce((sum, group) => sum + group.received, 0)
    const now = performance.now()
    if (received > before) end = now + arrivalTimeoutMs
    else if (now > end) return
    before = received
    await sleep(20)
  }
}
