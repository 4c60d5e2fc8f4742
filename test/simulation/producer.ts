import { apis, encodeBatch, errorCodes } from '../../src/protocol/index.ts'
import { ClientConnection, type Connect } from './client.ts'
import type { Ledger } from './ledger.ts'
import { lookUp } from './metadata.ts'
import type { Scheduler } from './scheduler.ts'
import { isUnordered, shownName, type SimTopic } from './topics.ts'

export const kinds = ['plain', 'idempotent', 'leader-only', 'unacknowledged'] as const
export type ProducerKind = (typeof kinds)[number]

export interface ProducerScript {
  readonly name: string
  readonly kind: ProducerKind
  /** Only of an idempotent one. */
  readonly producerId: bigint
  readonly topic: SimTopic
  readonly records: number
  /** How often it looks for new partitions, besides whenever it connects; null: it never does. */
  readonly metadataMs: number | null
  readonly intervalMs: number
  /** Sends all that is unanswered again at once, as librdkafka; else one by one, as Java does. */
  readonly resendsAtOnce: boolean
  readonly inFlightMax: number
  /** The version of Produce. */
  readonly version: number
}

interface Batch {
  readonly partition: number
  readonly sequence: number
  readonly values: readonly string[]
  attempts: number
}

/** By then, what wants no answer is at its broker. */
const arrivedMs = 500
const acksOf = { plain: -1, idempotent: -1, 'leader-only': 1, unacknowledged: 0 } as const

/** An application that produces: what it was told, the ledger knows. */
export class SimProducer {
  readonly #script: ProducerScript
  readonly #scheduler: Scheduler
  readonly #connect: Connect
  readonly #ledger: Ledger
  /** By partition, in the order of their sequences: what is to be sent. */
  readonly #pending: Batch[][]
  readonly #inFlight = new Set<Batch>()
  readonly #next: number[]
  #requests = 0
  #made = 0
  #toldAtMs = -Infinity
  #connection: ClientConnection | undefined

  constructor(script: ProducerScript, scheduler: Scheduler, connect: Connect, ledger: Ledger) {
    this.#script = script
    this.#scheduler = scheduler
    this.#connect = connect
    this.#ledger = ledger
    const { source: partitions } = script.topic.partitions
    this.#pending = Array.from({ length: partitions }, () => [])
    this.#next = Array.from({ length: partitions }, () => 0)
    this.#produce()
    this.#reconnect()
    this.#lookLater()
  }

  get isDone(): boolean {
    const isIdle = this.#inFlight.size === 0 && this.#pending.every(({ length }) => length === 0)
    const isThere = this.#scheduler.now() - this.#toldAtMs > arrivedMs
    return isIdle && isThere && this.#made >= this.#script.records
  }

  /** Its connection breaks. */
  drop(): void {
    this.#connection?.end()
  }

  #produce(): void {
    const { records, name, intervalMs } = this.#script
    if (this.#made >= records) return
    const { random } = this.#scheduler
    const partition = random.between(0, this.#pending.length - 1)
    const sequence = this.#next[partition] ?? 0
    const count = random.between(1, 3)
    const values = Array.from({ length: count }, (_, i) => `${name}/${partition}/${sequence + i}`)
    this.#next[partition] = sequence + count
    this.#made += count
    this.#pending[partition]?.push({ partition, sequence, values, attempts: 0 })
    this.#send()
    this.#scheduler.after(random.next() * 2 * intervalMs, () => this.#produce())
  }

  #reconnect(): void {
    const connection = new ClientConnection(this.#connect, this.#script.name, () => {
      if (this.#connection === connection) this.#later()
    })
    this.#connection = connection
    if (!connection.open) return this.#later()
    this.#look(connection)
    this.#send()
  }

  #lookLater(): void {
    const { metadataMs } = this.#script
    if (metadataMs === null) return
    this.#scheduler.after(metadataMs, () => {
      if (this.#connection?.open === true) this.#look(this.#connection)
      this.#lookLater()
    })
  }

  /** What it is told of more partitions, it produces to from now on. */
  #look(connection: ClientConnection): void {
    const { topic, name } = this.#script
    if (!isUnordered(topic)) return
    const found = lookUp(connection, [shownName(topic)])
    const count = (counts: ReadonlyMap<string, number>): void => {
      const partitions = counts.get(shownName(topic)) ?? this.#pending.length
      if (partitions < this.#pending.length) {
        this.#ledger.broke(`${name}: ${this.#pending.length} partitions became ${partitions}`)
      }
      while (this.#pending.length < partitions) {
        this.#pending.push([])
        this.#next.push(0)
      }
    }
    found.then(count, () => {})
  }

  #later(): void {
    this.#scheduler.after(this.#scheduler.random.between(5, 100), () => this.#reconnect())
  }

  #send(): void {
    const { kind, inFlightMax } = this.#script
    const max = kind === 'idempotent' ? inFlightMax : 1
    while (this.#connection?.open === true && this.#requests < max) {
      const batches = this.#ready()
      if (batches.length === 0) return
      if (kind === 'unacknowledged') this.#tell(batches)
      else void this.#ask(batches)
    }
  }

  /** At most one batch of each partition, sometimes of several. */
  #ready(): readonly Batch[] {
    const ready: Batch[] = []
    for (const pending of this.#pending) {
      const [batch] = pending
      if (batch === undefined || (ready.length > 0 && this.#scheduler.random.chance(0.5))) continue
      const isAlone = ![...this.#inFlight].some(({ partition }) => partition === batch.partition)
      const mayGo = batch.attempts === 0 || this.#script.resendsAtOnce || isAlone
      if (mayGo) ready.push(batch)
    }
    for (const batch of ready) this.#pending[batch.partition]?.shift()
    return ready
  }

  #body(batches: readonly Batch[]) {
    const { kind, producerId } = this.#script
    const isIdempotent = kind === 'idempotent'
    const timestamp = BigInt(this.#scheduler.wallClock())
    const partitionData = batches.map(({ partition: index, sequence, values }) => ({
      index,
      records: encodeBatch({
        records: values.map((value) => ({ timestamp, value: Buffer.from(value) })),
        ...(isIdempotent ? { producerId, producerEpoch: 0, baseSequence: sequence } : {}),
      }),
    }))
    const topicData = [{ name: shownName(this.#script.topic), partitionData }]
    return { transactionalId: null, acks: acksOf[kind], timeoutMs: 30_000, topicData }
  }

  #tell(batches: readonly Batch[]): void {
    const { name, version, topic } = this.#script
    this.#toldAtMs = this.#scheduler.now()
    for (const { partition, values } of batches) {
      this.#ledger.told(name, shownName(topic), partition, values)
    }
    this.#connection?.tell(apis.produce, version, this.#body(batches))
  }

  async #ask(batches: readonly Batch[]): Promise<void> {
    const { name, version, kind, topic } = this.#script
    for (const batch of batches) {
      batch.attempts++
      this.#inFlight.add(batch)
    }
    this.#requests++
    const connection = this.#connection
    const answer = await connection
      ?.ask(apis.produce, version, this.#body(batches))
      .catch(() => undefined)
    this.#requests--
    const found = answer?.responses[0]?.partitionResponses ?? []
    for (const batch of batches) {
      this.#inFlight.delete(batch)
      const { partition, sequence, values } = batch
      const answered = found.find(({ index }) => index === partition)
      const errorCode = answered?.errorCode ?? -1
      const isDuplicate = errorCode === errorCodes.DUPLICATE_SEQUENCE_NUMBER
      if (errorCode === 0 || isDuplicate) {
        const at = answered?.baseOffset ?? -1n
        this.#ledger.acknowledged(name, kind, shownName(topic), partition, values, at)
        continue
      }
      this.#scheduler.note(`${name}: ${values.join(' ')} failed with ${errorCode}`)
      this.#ledger.failed(values, this.#scheduler.now())
      this.#judge(batch, errorCode)
      const pending = this.#pending[partition] ?? []
      const at = pending.findIndex((each) => each.sequence > sequence)
      pending.splice(at < 0 ? pending.length : at, 0, batch)
    }
    const isRefused = batches.some(({ attempts }) => attempts > 1)
    if (connection?.open === true && isRefused) await this.#scheduler.sleep(20)
    this.#send()
  }

  /** The next batch in line is out of order for no reason of the client's: it gives up. */
  #judge({ partition, sequence, values }: Batch, errorCode: number): void {
    const isUnknown = errorCode === errorCodes.UNKNOWN_PRODUCER_ID
    if (!isUnknown && errorCode !== errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER) return
    const others = [...this.#inFlight, ...(this.#pending[partition] ?? [])]
    const isNext = !others.some((each) => each.partition === partition && each.sequence < sequence)
    if (isNext) this.#ledger.broke(`${values.join(' ')}: next in line, answered ${errorCode}`)
  }
}
