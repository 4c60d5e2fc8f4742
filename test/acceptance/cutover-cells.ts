import { clientNames, talksTo, type ClientName } from '../clients/index.ts'
import { killKinds, type Kill } from '../cutover/faults.ts'
import type { Parallel } from '../cutover/history.ts'
import { growthOf, pausesOf } from '../cutover/outcome.ts'
import { play, type Report } from '../cutover/scenario.ts'
import { keepEvidence } from './evidence.ts'
import type { Bench, Cell, Outcome } from './cell.ts'

/** CKafka offers 2.4, 2.8 and 3.2; the last goes from new to old. */
const pairs = [
  ['1.1.1', '2.4.1'],
  ['2.8.2', '3.2.3'],
  ['3.9.1', '4.3.1'],
  ['4.3.1', '2.8.2'],
] as const
/** Brokers of the target. The source has three. */
const targetSizes = [3, 1] as const
const killPair = pairs[1]
const killsPerKind = 20

/** The first and the second cluster of a cell. */
const clusters = ([source, target]: readonly [string, string], brokers: number) => ({
  cluster: { version: source, brokers: 3, name: 'source' },
  target: { version: target, brokers, name: 'target' },
})

/** Each client across each pair of versions; then kills, each at another moment and with the next client. */
export const cutoverCells: readonly Cell[] = [
  ...pairs.flatMap((pair) =>
    targetSizes.flatMap((brokers) =>
      clientNames
        .filter((client) => pair.every((version) => talksTo(client, version)))
        .map((client): Cell => ({
          name: `cutover ${client} ${pair.join('->')} 3->${brokers}`,
          ...clusters(pair, brokers),
          fresh: true,
          clients: [client],
          run: (bench) => run(bench, client),
        })),
    ),
  ),
  ...killKinds.flatMap((kind) =>
    Array.from({ length: killsPerKind }, (_, i): Cell => {
      const kill = { kind, seed: i + 1 }
      const client = clientNames[i % clientNames.length] ?? 'kafkajs'
      return {
        name: `kill ${kind} ${kill.seed}`,
        ...clusters(killPair, 3),
        clients: [client],
        run: (bench) => run(bench, client, kill),
      }
    }),
  ),
]

/** Partitions of the source, and of the target. */
const sourcePartitions = 6
const targetPartitionsTried = [6, 3, 12]
const unorderedPairs = [pairs[1], pairs[2]]

/** The same unordered. */
export const unorderedCells: readonly Cell[] = [
  ...unorderedPairs.flatMap((pair) =>
    targetPartitionsTried.flatMap((targetPartitions) =>
      clientNames
        .filter((client) => pair.every((version) => talksTo(client, version)))
        .map((client): Cell => ({
          name: `unordered ${client} ${pair.join('->')} ${sourcePartitions}+${targetPartitions}`,
          ...clusters(pair, 3),
          fresh: true,
          clients: [client],
          run: (bench) => run(bench, client, undefined, { sourcePartitions, targetPartitions }),
        })),
    ),
  ),
  ...Array.from({ length: killsPerKind }, (_, i): Cell => {
    const kill = { kind: 'sidecar' as const, seed: i + 1 }
    const client = clientNames[i % clientNames.length] ?? 'kafkajs'
    const targetPartitions = targetPartitionsTried[i % targetPartitionsTried.length] ?? 6
    return {
      name: `unordered kill ${kill.seed}`,
      ...clusters(killPair, 3),
      clients: [client],
      run: (bench) => run(bench, client, kill, { sourcePartitions, targetPartitions }),
    }
  }),
]

async function run(
  bench: Bench,
  client: ClientName,
  kill?: Kill,
  parallel?: Parallel,
): Promise<Outcome> {
  const program = bench.clients.programs.get(client)
  if (program === undefined) {
    const reason = bench.clients.missing.get(client) ?? 'not set up'
    return { verdict: 'skip', findings: [reason], figures: {} }
  }
  if (bench.target === undefined) throw new Error('a cutover needs two clusters')
  const report = await play({
    ...{ program, source: bench.cluster, target: bench.target },
    topic: `${client}-${bench.unique}`,
    cutover: !bench.directOnly,
    // A cluster that the next cell uses too must not move as a whole.
    everyTopic: kill === undefined,
    stopSource: kill === undefined,
    ...(kill === undefined ? {} : { kill }),
    ...(parallel === undefined ? {} : { parallel }),
  })
  const passed = report.findings.length === 0
  if (!passed) await keepEvidence(bench.unique, report)
  return {
    verdict: passed ? 'pass' : 'fail',
    findings: report.findings,
    figures: { ...figuresOf(client, report), ...(passed ? {} : { evidence: bench.unique }) },
  }
}

function figuresOf(client: ClientName, report: Report): Record<string, number | string> {
  const { verdict, flip, killed } = report
  const { history } = report.evidence
  const grown = history.parallel?.sourcePartitions
  const producers = Object.values(verdict.producers)
  const groups = Object.values(verdict.groups)
  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0)
  const target = flip?.phases.find(({ phase }) => phase === 'target')
  return {
    client,
    acked: sum(producers.map((p) => p.acked)),
    ackGapMaxMs: Math.max(...producers.map((p) => p.ackGapMaxMs)),
    stalledMs: pausesOf(history)[0]?.stalledMs ?? 0,
    gapMaxMs: Math.max(...groups.map((g) => g.gapMaxMs)),
    again: sum(groups.map((g) => g.again)),
    rebalances: groups.map((g) => Object.values(g.rebalances).join('+')).join(', '),
    errors: sum(Object.values(verdict.errors)),
    ...(target === undefined ? {} : { targetAfterMs: target.atMs }),
    ...(flip === undefined ? {} : { attempts: flip.accepted }),
    ...(killed === undefined ? {} : { killed }),
    ...(grown === undefined
      ? {}
      : {
          growthMs: history.groups.map((group) => growthOf(group, grown, history.from)).join(', '),
        }),
  }
}
