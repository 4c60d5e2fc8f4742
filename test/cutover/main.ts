import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { clientNames, setupClients } from '../clients/index.ts'
import { requireKafka, startCluster } from '../kafka/index.ts'
import { killKinds } from './faults.ts'
import { play } from './scenario.ts'
import { formatVerdict, type Verdict } from './verdict.ts'

const usage = `npx node test/cutover/main.ts [--client NAME] [--pair 3.9.1:4.3.1] [--brokers 1:1]
    [--control] [--both] [--kill ${killKinds.join('|')}] [--seed N] [--keep-source] [--evidence FILE]

Plays one ordered cutover under load between two fresh clusters, and prints the verdict.

  --control      the same load without a cutover;  --both  compares the cutover with it
  --evidence     keeps every event of the clients and the sidecar's log
  --keep-source  does not stop the source after the cutover
`

const { values } = parseArgs({
  options: {
    client: { type: 'string', default: 'kafkajs' },
    pair: { type: 'string', default: '3.9.1:4.3.1' },
    brokers: { type: 'string', default: '1:1' },
    control: { type: 'boolean', default: false },
    both: { type: 'boolean', default: false },
    kill: { type: 'string' },
    seed: { type: 'string', default: '1' },
    'keep-source': { type: 'boolean', default: false },
    evidence: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

const client = clientNames.find((name) => name === values.client)
const kind = killKinds.find((name) => name === values.kill)
if (values.help || client === undefined || (values.kill !== undefined && kind === undefined)) {
  console.log(usage)
  process.exitCode = values.help ? 0 : 2
} else if (await requireKafka()) {
  const { programs, missing } = await setupClients({ which: [client] })
  const program = programs.get(client)
  if (program === undefined) throw new Error(`${client}: ${missing.get(client)}`)
  const run = async (cutover: boolean, control?: Verdict): Promise<Verdict> => {
    const [versions, counts] = [values.pair.split(':'), values.brokers.split(':')]
    const clusters = await Promise.all(
      [0, 1].map((i) =>
        startCluster({ version: versions[i] ?? '', brokers: Number(counts[i] ?? 1) }),
      ),
    )
    const [source, target] = clusters
    if (source === undefined || target === undefined) throw new Error('two clusters are needed')
    try {
      const report = await play({
        ...{ program, source, target, cutover, everyTopic: true },
        topic: `orders-${randomBytes(3).toString('hex')}`,
        stopSource: !values['keep-source'],
        ...(kind === undefined ? {} : { kill: { kind, seed: Number(values.seed) } }),
      })
      console.log(
        `\n== ${client} ${values.pair} ${values.brokers} ${cutover ? 'cutover' : 'control'}`,
      )
      console.log(formatVerdict(report.verdict, control))
      const rest = report.findings.filter((f) => !report.verdict.findings.includes(f))
      for (const finding of rest) console.log(`FINDING ${finding}`)
      if (report.killed !== undefined) console.log(`killed: ${report.killed}`)
      for (const { phase, atMs } of report.flip?.phases ?? []) console.log(`${atMs} ms: ${phase}`)
      if (values.evidence !== undefined)
        await writeFile(values.evidence, JSON.stringify(report.evidence))
      if (report.findings.length > 0) process.exitCode = 1
      return report.verdict
    } finally {
      await Promise.all(clusters.map((cluster) => cluster.stop()))
    }
  }
  const control = values.control || values.both ? await run(false) : undefined
  if (!values.control) await run(true, control)
}
