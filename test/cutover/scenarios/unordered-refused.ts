/** What does not fit an unordered cutover is found before, by name and with its remedy. */
import type { Admin } from 'kafkajs'
import { atLeast, createTopics, endProcess, spawnTied } from '../../kafka/index.ts'
import type { RunningSidecar } from '../../acceptance/sidecar.ts'
import { startReader } from './reader.ts'
import { backwardPair, middlePair, newPair, type NamedScenario } from './scenario.ts'
import { kafkaAt, operate, statusOf, type Stage } from './stage.ts'

const clients = ['java-4.3.1'] as const
const noticedMsMax = 20_000

export const refused: readonly NamedScenario[] = [
  { name: 'unordered-refused', pairs: [middlePair, newPair, backwardPair], clients, play },
]

/** One thing that does not fit, on a topic of its own. */
interface Misfit {
  readonly name: string
  /** @returns what its remedy says to do */
  readonly begin: (topic: string, sidecar: RunningSidecar) => Promise<() => Promise<unknown>>
  /** What is said of it, remedy included. */
  readonly said: (topic: string) => RegExp
  /** Who sees it: `check` does not serve applications. */
  readonly by: 'both' | 'cutover'
  /** It is remembered for a while: the remedy does not help at once. */
  readonly lasts?: true
}

async function play(stage: Stage): Promise<void> {
  const direct = kafkaAt(stage.source.internalServers, 'direct')
  const administer = async (act: (admin: Admin) => Promise<unknown>): Promise<void> => {
    const admin = direct.admin()
    await admin.connect()
    await act(admin).finally(() => admin.disconnect())
  }
  const cleanUp = (topic: string, value: string) =>
    administer((admin) => {
      const configEntries = [{ name: 'cleanup.policy', value }]
      const resources = [{ type: 2, name: topic, configEntries }]
      return admin.alterConfigs({ validateOnly: false, resources })
    })
  const misfits: readonly Misfit[] = [
    {
      name: 'compacted',
      async begin(topic) {
        await cleanUp(topic, 'compact')
        return () => cleanUp(topic, 'delete')
      },
      said: (topic) => new RegExp(`topic ${topic}: it is compacted.*leave it out of the plan`),
      by: 'both',
    },
    {
      name: 'assigned',
      async begin(topic) {
        const reader = startReader(stage, stage.source.internalServers, topic, { group: topic })
        await reader.ask('commit 0')
        return async () => {
          await reader.stop()
          await administer((admin) => admin.deleteGroups([topic]))
        }
      },
      said: (topic) => new RegExp(`group ${topic}: nobody has ever joined it.*subscribe\\(\\)`),
      by: 'both',
    },
    {
      name: 'without-group',
      begin(topic, { bootstrap }) {
        const kcat = spawnTied('kcat', ['-b', bootstrap, '-C', '-t', topic], { stdio: 'ignore' })
        return Promise.resolve(() => endProcess(kcat, 'SIGKILL'))
      },
      said: (topic) =>
        new RegExp(`reader rdkafka: it reads without a group.*${topic}.*subscribe\\(\\)`),
      by: 'cutover',
    },
    {
      name: 'transactional',
      async begin(topic) {
        const id = { transactionalId: `id-${topic}`, idempotent: true, maxInFlightRequests: 1 }
        const producer = direct.producer(id)
        await producer.connect()
        const open = await producer.transaction()
        await open.send({ topic, messages: [{ value: 'open' }] })
        return async () => {
          await open.abort()
          await producer.disconnect()
        }
      },
      said: (topic) => new RegExp(`id-${topic}.*leave its topics out of the plan`),
      by: 'both',
      lasts: true,
    },
    {
      // A member that connects directly: the sidecar does not offer the protocol.
      name: 'modern',
      begin(topic) {
        const { source } = stage
        const running = source.tool('org.apache.kafka.tools.consumer.ConsoleConsumer', [
          ...['--bootstrap-server', source.internalServers, '--topic', topic, '--group', topic],
          ...['--timeout-ms', '20000', '--consumer-property', 'group.protocol=consumer'],
        ])
        return Promise.resolve(() => running)
      },
      said: (topic) => new RegExp(`group ${topic}: .*KIP-848.*group\\.protocol=classic`),
      by: 'both',
    },
  ]
  const hasModernGroups = atLeast(stage.source.version, '4.0')
  for (const misfit of misfits) {
    if (misfit.name !== 'modern' || hasModernGroups) await isRefused(stage, misfit)
  }
}

async function isRefused(stage: Stage, { name, begin, said, by, lasts }: Misfit): Promise<void> {
  const topic = `${name}-${stage.unique}`
  await createTopics(stage.source, [topic], { partitions: 2 })
  await createTopics(stage.target, [topic], { partitions: 3 })
  const mode = ['--topics', topic, '--mode', 'unordered']
  const { source, target } = stage
  const clusters = ['--source', source.bootstrapServers, '--target', target.bootstrapServers]
  const check = () => operate(['check', ...clusters, ...mode])
  const sidecar = await stage.sidecar({ args: mode })
  const cutover = () => operate(['cutover', '--admin', sidecar.admin, '--timeout', '1s'])
  const isSaid = (text: string): boolean => said(topic).test(text.replaceAll(/\s+/g, ' '))

  stage.check(`${name}: check is ready before`, (await check()).code === 0)
  const mend = await begin(topic, sidecar)
  if (by === 'both') {
    let checked = await check()
    const isFound = async (): Promise<boolean> => {
      checked = await check()
      return checked.code === 3 && isSaid(checked.stdout)
    }
    const options = { timeoutMs: noticedMsMax, seen: () => checked }
    await stage.wait(`${name}: check exits 3, names it, and says the remedy`, isFound, options)
  } else {
    await stage.wait(`${name}: it reads`, () => isRead(sidecar), { timeoutMs: noticedMsMax })
  }
  const answer = await cutover()
  stage.check(`${name}: cutover exits 3, too`, answer.code === 3 && isSaid(answer.stderr), answer)
  stage.check(`${name}: nothing was held`, answer.stderr.includes('nothing was held'), answer)
  const { phase } = await statusOf(sidecar)
  stage.check(`${name}: the phase is source`, phase === 'source', phase)
  await mend()
  if (lasts === true) return
  let checked = await check()
  const isReady = async (): Promise<boolean> => {
    checked = await check()
    return checked.code === 0
  }
  const options = { timeoutMs: 30_000, seen: () => checked }
  await stage.wait(`${name}: check is ready when that is done`, isReady, options)
}

/** Whether a Fetch has passed the sidecar. */
async function isRead(sidecar: RunningSidecar): Promise<boolean> {
  const text = await (await fetch(`${sidecar.admin}/metrics`)).text()
  return /requests_total\{[^}]*api="Fetch"[^}]*\} [1-9]/.test(text)
}
