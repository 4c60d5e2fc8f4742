import type { ClusterName } from '../../src/ids.ts'
import { replay, type Entry } from '../../src/router/index.ts'
import {
  drawMembers,
  drawProducers,
  drawReaders,
  drawTopic,
  lateMember,
  lateProducer,
  type Reader,
} from './cast.ts'
import type { Connect, Way } from './client.ts'
import { anyNode, nodes, SimCluster } from './cluster.ts'
import { SimConsumer, type ConsumerScript } from './consumer.ts'
import { Incarnation } from './incarnation.ts'
import { breachesOf, type Outcome } from './laws.ts'
import { Ledger } from './ledger.ts'
import type { LinkEnd } from './link.ts'
import { parallelBreachesOf, unreadOf } from './parallel-laws.ts'
import { SimProducer, type ProducerScript } from './producer.ts'
import { Random } from './random.ts'
import { Scheduler } from './scheduler.ts'
import {
  drawTopics,
  isUnordered,
  planKinds,
  shownName,
  type PlanKind,
  type SimTopic,
} from './topics.ts'

export interface RunOptions {
  readonly seed: number
  /** What the plan consists of; else the seed says it. */
  readonly plan?: PlanKind
  readonly verbose?: boolean
}

export interface RunResult {
  readonly seed: number
  readonly plan: PlanKind
  readonly breaches: readonly string[]
  readonly events: readonly string[]
  /** How long it took in the run's own time. */
  readonly ms: number
}

/** When everything that disturbs is over; what follows must settle. */
const calmAtMs = 1_500
const settledAtMs = 200_000
/** By then groups of unordered topics have moved, or tried to: 10 s in which nobody writes come before. */
const movesAtMsMax = 14_000
/** Behind this nobody waits at the source any more, and it may be switched off. */
const unneededMs = 1_000
/** As src/migrator/carry.ts names it. */
const carriedGroup = 'kafka-cutover-carried'

/** One seed's history, and the laws that it broke. */
export async function run(options: RunOptions): Promise<RunResult> {
  const { seed } = options
  const world = new World(options)
  const settled = await world.live()
  const breaches = [...world.breaches()]
  if (!settled) breaches.unshift(`it does not settle: ${world.standing()}`)
  const { scheduler } = world
  const { plan } = world
  return { seed, plan, breaches, events: scheduler.events, ms: scheduler.now() }
}

/** Drawn apart: a seed of a plan that is given is the same history. */
const planOf = (seed: number): PlanKind => new Random(seed ^ 0x9e3779b9).pick(planKinds)

class World {
  readonly plan: PlanKind
  readonly scheduler: Scheduler
  readonly #random: Random
  readonly #clusters: Readonly<Record<ClusterName, SimCluster>>
  readonly #entries: Entry[] = []
  readonly #ledger = new Ledger()
  readonly #bypassed = new Set<string>()
  readonly #topics: readonly SimTopic[]
  /** Topics whose records were held. */
  readonly #held = new Set<string>()
  readonly #producers: SimProducer[]
  readonly #consumers: readonly SimConsumer[]
  readonly #readers: readonly Reader[]
  readonly #beginsAtZero: boolean
  readonly #hasElections: boolean
  #incarnation: Incarnation | undefined
  #wasDisturbed = false
  /** When the sidecar was killed. */
  readonly #crashes: number[] = []
  /** Some are treated otherwise (src/proxy/growth.ts). By the seed, so that nothing else is drawn otherwise for it. */
  readonly #software: string
  #deadlineMs = 5_000
  /** How many faults are still to come while groups move that have read both clusters for long. */
  #faultsOfMoves = 0
  #isEnding = false

  constructor({ seed, plan = planOf(seed), verbose = false }: RunOptions) {
    this.plan = plan
    this.#software = seed % 7 !== 3 ? '' : seed % 2 === 0 ? 'kafka-python' : 'kgo'
    const random = new Random(seed)
    this.#random = random
    this.scheduler = new Scheduler(random)
    this.scheduler.verbose = verbose
    this.#topics = drawTopics(plan, random)
    const habits = { zombieMs: random.pick([0, 0, 4_000]) }
    this.#ledger.isSourceOff = () => replay(this.#entries).state.phase === 'target'
    const cluster = (name: ClusterName): SimCluster =>
      new SimCluster(name, this.#topics, this.scheduler, habits)
    this.#clusters = { source: cluster('source'), target: cluster('target') }
    this.#beginsAtZero = random.chance(0.2)
    this.#hasElections = random.chance(0.5)
    // With a new id, a batch that overtakes one that was refused would be taken for the first (KIP-360).
    for (const partition of this.#clusters.source.everyPartition) partition.beginsAtZero = true
    for (const partition of this.#clusters.target.everyPartition) {
      partition.beginsAtZero = this.#beginsAtZero
      const count = random.between(0, 3)
      for (let i = 0; i < count; i++) partition.bypass([`old/${partition.name}/${i}`])
    }
    void this.#start()
    this.#producers = Array.from(drawProducers(this.#topics, random), (script) =>
      this.#producer(script),
    )
    this.#readers = drawReaders(this.#topics, random)
    this.#consumers = this.#readers.flatMap((reader) =>
      Array.from(drawMembers(reader, random), (script) => this.#consumer(script, this.#connect)),
    )
    this.#schedule()
  }

  /** @returns whether it settled in time */
  live(): Promise<boolean> {
    return this.scheduler.run(settledAtMs)
  }

  breaches(): readonly string[] {
    const { sought } = this.#clusters.source
    const needed = sought > 0 ? ['a source that is switched off is still needed'] : []
    return [...needed, ...breachesOf(this.#outcome()), ...parallelBreachesOf(this.#outcome())]
  }

  #outcome(): Outcome {
    const { source, target } = this.#clusters
    return {
      topics: this.#topics,
      source,
      target,
      entries: this.#entries,
      ledger: this.#ledger,
      bypassed: this.#bypassed,
      zombies: new Set([...source.zombies, ...target.zombies]),
      wasDisturbed: this.#wasDisturbed,
      calmAtMs,
      endedAtMs: this.scheduler.now(),
      crashes: this.#crashes,
      held: this.#held,
      readers: this.#readers,
    }
  }

  standing(): string {
    const done = this.#producers.filter(({ isDone }) => isDone).length
    const { phase } = replay(this.#entries).state
    const waits = this.#incarnation?.migration.record.waitingFor.join('; ')
    const broken = this.#incarnation?.migration.broken
    return `phase ${phase}, ${done} of ${this.#producers.length} producers done, waits for ${waits}, ${String(broken)}`
  }

  #producer(script: ProducerScript): SimProducer {
    return new SimProducer(script, this.scheduler, this.#connect, this.#ledger)
  }

  #consumer(script: ConsumerScript, connect: Connect): SimConsumer {
    return new SimConsumer(script, this.scheduler, connect, this.#ledger)
  }

  readonly #connect = (client: LinkEnd) => this.#incarnation?.accept(client).link

  /** A process serves when it has read its journal (`Migrator.start`). */
  async #start(): Promise<void> {
    if (this.#starting !== undefined) return
    const starting = new Incarnation({
      scheduler: this.scheduler,
      clusters: this.#clusters,
      entries: this.#entries,
      beginsAtZero: this.#beginsAtZero,
      topics: this.#topics,
      software: this.#software,
      held: this.#held,
      lostAnswers: () => (this.#mayLose ? this.#lostAnswers : 0),
      journaled: (entry) => this.#journaled(entry),
    })
    this.#starting = starting
    await starting.migration.start()
    if (starting.dead) return
    this.#incarnation = starting
    this.scheduler.note('the sidecar serves')
  }
  #starting: Incarnation | undefined
  #lostAnswers = 0

  get #mayLose(): boolean {
    return this.scheduler.now() < (this.plan === 'ordered' ? calmAtMs : movesAtMsMax)
  }

  /** Groups that read both clusters move long behind everything else. */
  #journaled({ kind }: Entry): void {
    if (kind !== 'group-moving' || this.scheduler.now() < calmAtMs) return
    const random = this.#random
    for (; this.#faultsOfMoves > 0 && random.chance(0.7); this.#faultsOfMoves--) {
      this.scheduler.after(random.next() * 400, () => this.#disturb())
    }
  }

  #schedule(): void {
    const random = this.#random
    this.#lostAnswers = random.pick([0, 0, 0.02])
    this.#deadlineMs = random.pick([60, 400, 5_000])
    const faults = random.pick([0, 0, 2, 6, 12])
    const cutoverAt = random.between(50, 900)
    if (faults > 0 || this.#clusters.source.habits.zombieMs > 0) this.#bearUnreadBases()
    this.scheduler.after(cutoverAt, () => this.#cutover())
    const { source } = this.#clusters
    if (source.habits.zombieMs > 0) {
      this.#wasDisturbed = true
      this.#ledger.disturbed = true
      this.scheduler.after(cutoverAt - random.next() * 40, () => this.#cut([source]))
    }
    for (let i = 0; i < faults; i++) {
      // Most of what can be wrong can be wrong around the splice alone.
      const at = random.chance(0.5) ? random.next() * calmAtMs : cutoverAt + random.next() * 200
      this.scheduler.after(at, () => this.#disturb())
    }
    if (random.chance(0.1)) {
      this.scheduler.after(random.between(100, 1_200), () => {
        this.#incarnation?.migration.abort('the operator')
      })
    }
    if (random.chance(0.2)) this.scheduler.after(random.between(500, 2_000), () => this.#bypass())
    if (this.plan !== 'ordered') this.#faultsOfMoves = faults > 0 ? random.pick([0, 1, 4]) : 0
    this.#watch()
  }

  /**
   * What cannot be read of the source when a producer sends it again gets a base of sequence numbers, too. If the
   * sidecar is killed then, and reads it afterwards, a target before 2.5 refuses the producer's next batch for good:
   * that is not simulated.
   */
  #bearUnreadBases(): void {
    for (const topic of this.#topics.filter(isUnordered)) {
      const partitions = this.#clusters.target.partitionsOf(topic.names.target)
      for (const partition of partitions) partition.beginsAtZero = false
    }
  }

  #cutover(): void {
    void this.#incarnation?.migration.cutover(this.#deadlineMs)
  }

  /** Sessions of groups expire, cutovers are tried again, and at last it is over. */
  #watch(): void {
    this.scheduler.after(100, () => {
      for (const cluster of Object.values(this.#clusters)) cluster.expire()
      const { phase } = replay(this.#entries).state
      const isCalm = this.scheduler.now() > calmAtMs
      if (isCalm) this.#deadlineMs = 5_000
      const isTried = isCalm || (this.scheduler.now() > 900 && this.#random.chance(0.2))
      if (phase === 'source' && isTried) this.#cutover()
      const isWritten = this.#producers.every(({ isDone }) => isDone) && this.#isCarried()
      if (isCalm && phase === 'target' && isWritten && this.#isRead()) {
        if (this.#isEnding) return this.scheduler.stop()
        this.#isEnding = true
        return this.#switchOff()
      }
      // Who broke a law may never settle.
      if (this.#ledger.breaches.length > 0) return this.scheduler.stop()
      this.#watch()
    })
  }

  /** The source is not needed any more: applications write and read on, and others come. */
  #switchOff(): void {
    const random = this.#random
    const { source } = this.#clusters
    this.scheduler.after(unneededMs, () => {
      this.scheduler.note('the source is switched off')
      source.switchOff()
      for (const script of this.#topics.map(lateProducer))
        this.#producers.push(this.#producer(script))
      for (const reader of this.#readers) if (reader.name !== 'alone') this.#join(reader)
      if (this.#wasDisturbed && random.chance(0.3)) this.#crash()
      if (this.#wasDisturbed)
        for (const each of this.#consumers) if (random.chance(0.3)) each.drop()
      this.#watch()
    })
  }

  /** A member more for a group: behind the sidecar, or one that reaches the target directly. */
  #join(reader: Reader): void {
    const isNative = reader.topics.every(isUnordered) && this.#random.chance(0.5)
    const connect = isNative ? this.#connectDirectly : this.#connect
    this.#consumer(lateMember(reader, isNative), connect)
  }

  readonly #connectDirectly = (client: LinkEnd): Way => {
    const link = this.#clusters.target.connect(anyNode, client)
    return { send: (frame) => link.send(frame.subarray(4)), end: () => link.end() }
  }

  /** What was written to the source behind the splice, and is still to come, is on the target. */
  #isCarried(): boolean {
    const { source, target } = this.#clusters
    const { state } = replay(this.#entries)
    // Where its answer was lost, the target knows of it, and the journal does not.
    const stored = target.group(carriedGroup).offsets.all()
    const ordered = this.#topics.filter((topic) => !isUnordered(topic))
    return (
      source.stalled === 0 &&
      ordered.every(({ names }) =>
        (state.topics.get(names.source)?.timelines ?? []).every(([closed], index) => {
          const carried = stored
            .find(({ topic }) => topic === names.target)
            ?.partitions.find(({ partition }) => partition === index)
          const { end } = source.partitionsOf(names.source)[index] ?? {}
          return end === (carried?.value.offset ?? closed.end)
        }),
      )
    )
  }

  /** Every reader has what there is to read; a law says whether it is what it should be. */
  #isRead(): boolean {
    const { state } = replay(this.#entries)
    const ordered = this.#readers.every(({ name, topics }) =>
      topics
        .filter((topic) => !isUnordered(topic))
        .every(({ names }) => {
          const timelines = state.topics.get(names.source)?.timelines ?? []
          return timelines.every(([closed, open], partition) => {
            const { end = 0n } = this.#clusters.target.partitionsOf(names.target)[partition] ?? {}
            const given = this.#ledger.deliveries(name, names.source, partition)
            const highest = given.reduce((max, { offset }) => (offset > max ? offset : max), -1n)
            return highest + 1n >= (closed.end ?? 0n) + end - (open?.start ?? 0n)
          })
        }),
    )
    return ordered && unreadOf(this.#outcome()).length === 0
  }

  /** A writer that knows no sidecar: behind the splice of an ordered topic, what it writes to the source is nobody's. */
  #bypass(): void {
    const { phase } = replay(this.#entries).state
    if (phase === 'source' || phase === 'fenced' || phase === 'target') return
    const random = this.#random
    const topic = drawTopic(this.#topics, random)
    const isIdempotent = random.chance(0.5)
    const count = random.between(1, 12)
    this.scheduler.note('a writer bypasses the sidecar')
    const name = isUnordered(topic) ? `bypass-${shownName(topic)}` : 'bypass'
    const begun = this.#bypassed.size
    for (let i = 0; i < count; i++) {
      const first = begun + 2 * i
      const values = [`${name}/0/${first}`, `${name}/0/${first + 1}`]
      for (const value of values) this.#bypassed.add(value)
      const producer = { producerId: BigInt(900 + begun), producerEpoch: 0, baseSequence: 2 * i }
      const [partition] = this.#clusters.source.partitionsOf(topic.names.source)
      partition?.bypass(values, isIdempotent ? producer : {})
    }
    if (!isUnordered(topic) || random.chance(0.4)) return
    // Sooner than it takes for nobody to seem to write there.
    this.scheduler.after(random.between(1_000, 8_000), () => this.#bypass())
  }

  #disturb(): void {
    const random = this.#random
    const what = random.pick(['drop', 'drop', 'broker', 'broker', 'elect', 'elect', 'crash'])
    this.scheduler.note(`fault: ${what}`)
    this.#wasDisturbed = true
    this.#ledger.disturbed = true
    if (what === 'drop') random.pick([...this.#producers, ...this.#consumers]).drop()
    if (what === 'broker') this.#cut(Object.values(this.#clusters))
    if (what === 'elect' && this.#hasElections) this.#elect()
    if (what === 'crash') this.#crash()
  }

  /** A connection to a broker breaks, rather one that is in use. */
  #cut(clusters: readonly SimCluster[]): void {
    const links = clusters.flatMap((cluster) => [...cluster.links])
    const busy = links.filter(({ isBusy }) => isBusy)
    if (links.length > 0) this.#random.pick(busy.length > 0 ? busy : links).end()
  }

  #elect(): void {
    const random = this.#random
    const partition = random.pick(random.pick(Object.values(this.#clusters)).everyPartition)
    if (partition.leader < 0) return
    const keeps = random.chance(0.6)
    const gapMs = random.pick([0, 5, 50])
    // Who comes back as the leader has all that it had.
    const to = keeps ? random.pick(nodes) : partition.leader === 1 ? 2 : 1
    this.scheduler.note(`${partition.name} loses its leader${keeps ? '' : ' with its tail'}`)
    partition.elect(-1, keeps)
    this.scheduler.after(gapMs, () => partition.elect(to, true))
  }

  #crash(): void {
    if (this.#starting === undefined) return
    this.#starting.crash()
    this.#crashes.push(this.scheduler.now())
    this.#starting = undefined
    this.#incarnation = undefined
    this.scheduler.after(this.#random.between(5, 300), () => void this.#start())
  }
}
