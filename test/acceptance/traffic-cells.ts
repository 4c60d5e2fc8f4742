import { setTimeout as sleep } from 'node:timers/promises'
import { clientNames, talksTo, type ClientName, type Program } from '../clients/index.ts'
import type { Cluster } from '../kafka/index.ts'
import type { Bench, Cell, Outcome } from './cell.ts'
import { sidecarOf } from './sidecar.ts'
import { rollingRestart, runTraffic, type Lane } from './traffic.ts'
import { foreignErrors, type Judgement } from './verdict.ts'

export const brokerVersions = ['1.1.1', '2.8.2', '3.9.1', '4.3.1'] as const

const scenarios = {
  steady: async () => {
    await sleep(5_000)
  },
  rolling: rollingRestart,
} as const satisfies Record<string, (cluster: Cluster) => Promise<void>>
type Scenario = keyof typeof scenarios

const rate = 100
/** A direct lane does not show every error every time: it gets as many chances. */
const directRunsMax = 3

/** Each client on each version, directly and through the sidecar at the same time. */
export const trafficCells: readonly Cell[] = brokerVersions.flatMap((version) =>
  (['steady', 'rolling'] as const).flatMap((scenario) =>
    clientNames
      .filter((client) => talksTo(client, version))
      .map((client) => trafficCell(client, version, scenario)),
  ),
)

function trafficCell(client: ClientName, version: string, scenario: Scenario): Cell {
  return {
    name: `client ${client} ${version} ${scenario}`,
    cluster: { version, brokers: 3 },
    clients: [client],
    async run(bench) {
      const program = bench.clients.programs.get(client)
      if (program === undefined) {
        const reason = bench.clients.missing.get(client) ?? 'not set up'
        return { verdict: 'skip', findings: [reason], figures: {} }
      }
      return bench.directOnly
        ? runDirect(bench, program, scenario)
        : runBoth(bench, program, scenario)
    },
  }
}

function lane(bench: Bench, program: Program, half: string, bootstrap: string): Lane {
  return { name: `${program.client}-${half}-${bench.unique}`, program, bootstrap }
}

async function runDirect(bench: Bench, program: Program, scenario: Scenario): Promise<Outcome> {
  const { cluster } = bench
  const [direct] = await runTraffic({
    cluster,
    lanes: [lane(bench, program, 'direct', cluster.bootstrapServers)],
    rate,
    during: () => scenarios[scenario](cluster),
  })
  if (direct === undefined) throw new Error('no lane was judged')
  const { findings } = direct
  return {
    verdict: findings.length === 0 ? 'pass' : 'fail',
    findings,
    figures: figuresOf('direct', direct),
  }
}

async function runBoth(bench: Bench, program: Program, scenario: Scenario): Promise<Outcome> {
  const { cluster } = bench
  const sidecar = await sidecarOf(cluster)
  try {
    const directs: Judgement[] = []
    const once = async (half: string, lanes: readonly Lane[]) => {
      const direct = lane(bench, program, half, cluster.bootstrapServers)
      const during = () => scenarios[scenario](cluster)
      const [judged, ...rest] = await runTraffic({
        cluster,
        lanes: [direct, ...lanes],
        rate,
        during,
      })
      if (judged !== undefined) directs.push(judged)
      return rest
    }
    const [through] = await once('direct', [lane(bench, program, 'through', sidecar.bootstrap)])
    const [direct] = directs
    if (through === undefined || direct === undefined) throw new Error('no lane was judged')
    while (foreignErrors(through, directs).length > 0 && directs.length < directRunsMax) {
      await once(`direct${directs.length + 1}`, [])
    }
    const findings = [
      ...through.findings,
      ...foreignErrors(through, directs).map((kind) => `only through the sidecar: ${kind}`),
    ]
    return {
      verdict: findings.length === 0 ? 'pass' : 'fail',
      // A client that breaks the law without a sidecar is to be known, and is not our failure.
      findings: [...findings, ...direct.findings.map((finding) => `directly: ${finding}`)],
      figures: {
        ...figuresOf('through', through),
        ...figuresOf('direct', direct),
        directRuns: directs.length,
      },
    }
  } finally {
    await sidecar.stop()
  }
}

function figuresOf(half: string, judgement: Judgement): Record<string, number | string> {
  const figures: Record<string, number | string> = {}
  for (const [name, value] of Object.entries(judgement.figures)) {
    if (typeof value === 'number') figures[`${half}.${name}`] = value
  }
  if (judgement.errorKinds.length > 0)
    figures[`${half}.errorKinds`] = judgement.errorKinds.join(', ')
  return figures
}
