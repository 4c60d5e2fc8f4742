import { errorName } from '../../src/protocol/index.ts'
import type { ClientEvent, RecordEvent } from '../clients/index.ts'

/** What one lane showed: a producer and the consumers of one group, with or without the sidecar. */
export interface Evidence {
  readonly producer: readonly ClientEvent[]
  readonly consumers: readonly (readonly ClientEvent[])[]
  /** Addresses that none of them may have learned, as `host:port`. */
  readonly hidden?: readonly string[]
}

export interface Judgement {
  /** What breaks a promise. Empty is good. */
  readonly findings: readonly string[]
  /** What the application saw go wrong, each kind once, as `where: kind`. */
  readonly errorKinds: readonly string[]
  readonly figures: Figures
}

export interface Figures {
  readonly acked: number
  readonly consumed: number
  /** Records that were delivered again, as at-least-once permits. */
  readonly duplicates: number
  readonly errors: number
  readonly logLines: number
  readonly rebalances: number
  /** The longest time between two acknowledgements. */
  readonly ackGapMaxMs: number
}

const findingsMax = 10

/**
 * Every acknowledged record is consumed; what was acknowledged at an offset is what is consumed there;
 * per partition the log keeps the producer's order, and each consumer sees rising offsets for as long
 * as it owns the partition. Nobody speaks of an address that is hidden from it.
 */
export function judge(evidence: Evidence): Judgement {
  const acked = recordsOf(evidence.producer, 'acked')
  const consumed = evidence.consumers.flatMap((events) => recordsOf(events, 'consumed'))
  const findings = [
    ...lost(acked, consumed),
    ...mismatched(acked, consumed),
    ...disorderedLog(consumed),
    ...evidence.consumers.flatMap(disorderedDelivery),
    ...unfinished(evidence),
    ...leaked(evidence),
  ]
  const events = [evidence.producer, ...evidence.consumers].flat()
  const errors = events.filter((e) => e.event === 'error')
  return {
    findings: abridge(findings),
    errorKinds: [...new Set(errors.map((e) => `${e.where}: ${e.kind}`))].sort(),
    figures: {
      acked: acked.length,
      consumed: new Set(consumed.map((r) => r.value)).size,
      duplicates: consumed.length - new Set(consumed.map(place)).size,
      errors: errors.length,
      logLines: events.filter((e) => e.event === 'log').length,
      rebalances: events.filter((e) => e.event === 'assigned').length,
      ackGapMaxMs: longestGap(acked),
    },
  }
}

/** Kinds of errors that the sidecar's lane shows and no direct lane did. */
export function foreignErrors(through: Judgement, direct: readonly Judgement[]): string[] {
  const known = new Set(direct.flatMap((judgement) => judgement.errorKinds))
  return through.errorKinds.filter((kind) => !known.has(kind))
}

/**
 * What brokers ordinarily answer about groups and leaders while one of them restarts, and the end of a
 * connection to it. Each client has its own way to write Kafka's names: here without underscores.
 */
const restartKinds =
  /^(NOTCOORDINATOR|(GROUP)?COORDINATORNOTAVAILABLE|(COORDINATOR|GROUP)LOADINPROGRESS|NOTLEADER|LEADERNOTAVAILABLE|UNKNOWNMEMBERID|ILLEGALGENERATION|REBALANCEINPROGRESS|REQUESTTIMEDOUT|TRANSPORT$|ALLBROKERSDOWN$|KAFKAJSBROKERNOTFOUND$|(KAFKAJS|KAFKA)?CONNECTIONERROR$|DISCONNECTEXCEPTION$)/
/** The same where kafkajs has kept only the words. */
const restartWords = /^KafkaJSError: .*(coordinator|rebalancing|not the leader)/

/**
 * Whether chance decides who sees an error of this kind while brokers restart. One of a producer is never
 * chance: its client has given up a record.
 *
 * @param errorKind as `where: kind`
 */
export function isOfRestart(errorKind: string): boolean {
  const kind = errorKind.replace(/^\w+: /, '')
  const code = /^KError (-?\d+)$/.exec(kind)?.[1]
  const name = code === undefined ? kind : errorName(Number(code))
  const isKnown =
    restartWords.test(kind) || restartKinds.test(name.replaceAll('_', '').toUpperCase())
  return isKnown && !errorKind.startsWith('produce: ')
}

const recordsOf = (events: readonly ClientEvent[], name: RecordEvent['event']): RecordEvent[] =>
  events.filter((e): e is RecordEvent => e.event === name)

const place = (record: RecordEvent) => `${record.partition}@${record.offset}`

/** The i of `ID-i`. */
const sequence = (record: RecordEvent) =>
  Number(record.value.slice(record.value.lastIndexOf('-') + 1))

function lost(acked: readonly RecordEvent[], consumed: readonly RecordEvent[]): string[] {
  const seen = new Set(consumed.map((r) => r.value))
  return acked
    .filter((r) => !seen.has(r.value))
    .map((r) => `lost: ${r.value}, acknowledged at ${place(r)}, was never consumed`)
}

function mismatched(acked: readonly RecordEvent[], consumed: readonly RecordEvent[]): string[] {
  const values = new Map<string, string>()
  const findings: string[] = []
  for (const record of [...acked, ...consumed]) {
    if (record.offset < 0) continue
    const other = values.get(place(record))
    if (other === undefined) values.set(place(record), record.value)
    else if (other !== record.value)
      findings.push(
        `mismatch: ${place(record)} is ${other} to one and ${record.value} to the other`,
      )
  }
  return findings
}

/** By offset, one producer's records rise, and none is there twice. */
function disorderedLog(consumed: readonly RecordEvent[]): string[] {
  const findings: string[] = []
  for (const records of byPartition(consumed)) {
    const log = [...new Map(records.map((r) => [r.offset, r])).values()]
    log.sort((a, b) => a.offset - b.offset)
    for (const [i, record] of log.entries()) {
      const before = log[i - 1]
      if (before !== undefined && sequence(before) >= sequence(record))
        findings.push(
          `disorder: ${record.value} at ${place(record)} follows ${before.value} in the log`,
        )
    }
  }
  return findings
}

/** A consumer goes back in a partition only after it was assigned anew. */
function disorderedDelivery(events: readonly ClientEvent[]): string[] {
  const positions = new Map<number, number>()
  const findings: string[] = []
  for (const event of events) {
    if (event.event === 'assigned') positions.clear()
    if (event.event !== 'consumed') continue
    const before = positions.get(event.partition) ?? -1
    if (event.offset <= before)
      findings.push(`disorder: ${place(event)} was delivered after offset ${before}`)
    positions.set(event.partition, event.offset)
  }
  return findings
}

function unfinished(evidence: Evidence): string[] {
  const programs = [evidence.producer, ...evidence.consumers]
  return programs.flatMap((events, i) =>
    events.some((e) => e.event === 'done')
      ? []
      : [
          `unfinished: ${i === 0 ? 'the producer' : `consumer ${i}`} did not end in its orderly way`,
        ],
  )
}

/** Clients name the brokers that they cannot reach, and that is when what they have learned shows. */
function leaked({ producer, consumers, hidden = [] }: Evidence): string[] {
  const messages = [producer, ...consumers]
    .flat()
    .flatMap((e) => ('message' in e ? [e.message] : []))
  return hidden.flatMap((address) => {
    // A longer port begins with the same digits.
    const names = (text: string) =>
      text
        .split(address)
        .slice(1)
        .some((rest) => !/^\d/.test(rest))
    const message = messages.find(names)
    return message === undefined ? [] : [`leaked: ${address}, as in: ${message}`]
  })
}

function byPartition(records: readonly RecordEvent[]): RecordEvent[][] {
  const groups = new Map<number, RecordEvent[]>()
  for (const record of records) {
    const group = groups.get(record.partition)
    if (group === undefined) groups.set(record.partition, [record])
    else group.push(record)
  }
  return [...groups.values()]
}

function longestGap(acked: readonly RecordEvent[]): number {
  let gap = 0
  for (const [i, record] of acked.entries()) {
    const before = acked[i - 1]
    if (before !== undefined) gap = Math.max(gap, record.t - before.t)
  }
  return gap
}

function abridge(findings: readonly string[]): string[] {
  if (findings.length <= findingsMax) return [...findings]
  return [...findings.slice(0, findingsMax), `and ${findings.length - findingsMax} more`]
}
