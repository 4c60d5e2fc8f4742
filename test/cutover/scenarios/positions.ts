/** Consumers that place themselves: assign(), seek, look up by time, pause, and delete records. */
import { createTopics, run } from '../../kafka/index.ts'
import { send } from './applications.ts'
import { startReader, type Reader } from './reader.ts'
import { everyPair, type NamedScenario } from './scenario.ts'
import { cutOver, kafkaAt, statusOf, type Stage } from './stage.ts'

const onSource = 30
const onTarget = 20
/** Whose times lie between those of the source and those of what is written to the target later. */
const old = 7
const minute = 60_000
/** A day ago: what is older than a topic's retention may go at any time. */
const t0 = Date.now() - 24 * 60 * minute
const clients = ['java-4.3.1', 'java-2.8.2'] as const

export const positions: readonly NamedScenario[] = [
  { name: 'positions', pairs: everyPair, clients, play },
  { name: 'delete-records', pairs: everyPair, clients, play: deleteRecords },
]

const timeOf = (i: number) => t0 + i * minute
const valuesFrom = (first: number, count: number) =>
  Array.from({ length: count }, (_, i) => `${first + i}=r-${first + i}`).join(',')

/** One record after the other, each with a time of its own: record i is at offset i for whoever reads here. */
async function write(bootstrap: string, topic: string, first: number, count: number, later = 0) {
  const producer = kafkaAt(bootstrap, 'writer').producer()
  await producer.connect()
  const messages = Array.from({ length: count }, (_, i) => ({
    ...{ partition: 0, key: 'k', value: `r-${first + i}` },
    timestamp: String(timeOf(first + i + later)),
  }))
  // In several batches, so that positions fall into the middle of one, and between two.
  for (let at = 0; at < count; at += 10)
    await producer.send({ topic, acks: -1, messages: messages.slice(at, at + 10) })
  await producer.disconnect()
}

/** Minutes between what is written before the splice and behind it. */
const later = 300

async function topicOn(stage: Stage): Promise<string> {
  const topic = `orders-${stage.unique}`
  for (const cluster of [stage.source, stage.target])
    await createTopics(cluster, [topic], { partitions: 1 })
  for (let i = 0; i < old; i++) {
    await send(kafkaAt(stage.target.internalServers), topic, 0, [`old-${i}`], {
      timestamp: timeOf(onSource + 100 + i),
    })
  }
  return topic
}

async function play(stage: Stage): Promise<void> {
  const topic = await topicOn(stage)
  const group = `reader-${stage.unique}`
  const sidecar = await stage.sidecar({ topics: [topic] })
  const { bootstrap } = sidecar
  await write(bootstrap, topic, 0, onSource)
  const lone = startReader(stage, bootstrap, topic)
  const grouped = startReader(stage, bootstrap, topic, { group, version: 'java-2.8.2' })
  const ask = async (reader: Reader, command: string, wanted: string) => {
    const answer = await reader.ask(command)
    stage.check(
      `${reader === lone ? 'without' : 'with'} a group, ${command}: ${wanted}`,
      answer === wanted,
      answer,
    )
  }
  const bothAsk = async (command: string, wanted: string) => {
    for (const reader of [lone, grouped]) await ask(reader, command, wanted)
  }
  const stable = async () => {
    await bothAsk('beginningOffset', '0')
    await bothAsk(`forTime ${timeOf(12) - 1}`, `12@${timeOf(12)}`)
    await bothAsk('begin', '0')
    await bothAsk('poll 2', valuesFrom(0, 2))
    await bothAsk('seek 25', 'ok')
    await bothAsk('poll 3', valuesFrom(25, 3))
  }
  await stable()
  await ask(grouped, 'commit 28', 'ok')
  // Both stand in the middle of the source, paused.
  await bothAsk('seek 28', 'ok')
  await bothAsk('pause', 'ok')
  await cutOver(stage, sidecar, 'spliced')
  await write(bootstrap, topic, onSource, onTarget, later)
  await bothAsk('poll 1', '')
  await bothAsk('resume', 'ok')
  // Across the splice: the last of the source, then the first of the target.
  await bothAsk('poll 7', valuesFrom(28, 7))
  await ask(grouped, 'commit 33', 'ok')
  await stage.wait('it moves when both have read the source', async () => {
    const status = await statusOf(sidecar)
    return status.phase === 'target'
  })
  await stable()
  const end = onSource + onTarget
  await bothAsk('end', String(end))
  await bothAsk('endOffset', String(end))
  await bothAsk(`forTime ${timeOf(onSource + later + 4)}`, `34@${timeOf(34 + later)}`)
  // Between the last of the source and the first behind the splice: not what the target had before.
  for (const reader of [lone, grouped]) {
    const found = await reader.ask(`forTime ${timeOf(onSource + 50)}`)
    stage.check('a time between both is found behind the splice', found.startsWith('30@'), found)
  }
  await bothAsk(`forTime ${timeOf(onSource + later + onTarget + 9)}`, 'none')
  await bothAsk('seek 29', 'ok')
  await bothAsk('poll 4', valuesFrom(29, 4))
  await ask(grouped, 'committed', '33')
  await ask(grouped, 'commit 40', 'ok')
  await ask(grouped, 'committed', '40')
  await natively(stage, topic, group)
  await foreigners(stage, bootstrap, topic)
}

/** What the group commits is the target's own now. */
async function natively(stage: Stage, topic: string, groupId: string): Promise<void> {
  const admin = kafkaAt(stage.target.internalServers).admin()
  await admin.connect()
  const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] })
  await admin.disconnect()
  const offset = committed?.partitions[0]?.offset
  stage.check(
    'the target holds the commit in its own offsets',
    offset === String(40 - onSource + old),
    offset,
  )
}

/** kcat and the admin client of kafkajs see the same. */
async function foreigners(stage: Stage, bootstrap: string, topic: string): Promise<void> {
  const kcat = async (...args: string[]) =>
    (await run('kcat', ['-b', bootstrap, ...args], { timeoutMs: 30_000 })).stdout.trim()
  const read = async (from: string, count: number) =>
    (
      await kcat(
        '-C',
        '-t',
        topic,
        '-p',
        '0',
        '-o',
        from,
        '-c',
        String(count),
        '-e',
        '-q',
        '-f',
        '%o=%s\\n',
      )
    ).replaceAll('\n', ',')
  const across = await read('27', 6)
  stage.check('kcat reads across the splice', across === valuesFrom(27, 6), across)
  const tail = await read('-3', 3)
  stage.check('kcat reads the tail', tail === valuesFrom(47, 3), tail)
  const byTime = await read(`s@${timeOf(28)}`, 4)
  stage.check('kcat reads from a time', byTime === valuesFrom(28, 4), byTime)
  const asked = await kcat('-Q', '-t', `${topic}:0:${timeOf(onSource + 50)}`)
  stage.check('kcat looks up a time', asked.endsWith('offset 30'), asked)
  const admin = kafkaAt(bootstrap).admin()
  await admin.connect()
  const [ends] = await admin.fetchTopicOffsets(topic)
  stage.check('kafkajs sees both ends', ends?.low === '0' && ends.high === '50', ends)
  const [at] = await admin.fetchTopicOffsetsByTimestamp(topic, timeOf(5))
  stage.check('kafkajs looks up a time', at?.offset === '5', at)
  await admin.disconnect()
}

/** Before the splice, across it, and behind it: the beginning rises, and what lies before it is out of range. */
async function deleteRecords(stage: Stage): Promise<void> {
  const topic = await topicOn(stage)
  const sidecar = await stage.sidecar({ topics: [topic] })
  const { bootstrap } = sidecar
  await write(bootstrap, topic, 0, onSource)
  const reader = startReader(stage, bootstrap, topic)
  const ask = async (command: string, wanted: string) => {
    const answer = await reader.ask(command)
    stage.check(`${command}: ${wanted}`, answer === wanted, answer)
  }
  await ask('delete 4', '4')
  await ask('beginningOffset', '4')
  await ask('end', '30')
  await cutOver(stage, sidecar)
  await write(bootstrap, topic, onSource, onTarget, later)
  await ask('beginningOffset', '4')
  await ask('delete 12', '12')
  await ask('beginningOffset', '12')
  await ask('seek 3', 'ok')
  await ask('poll 2', valuesFrom(12, 2)) // out of range, and reset to the beginning
  await ask('delete 36', '36')
  await ask('beginningOffset', '36')
  await ask('begin', '36')
  await ask('poll 2', valuesFrom(36, 2))
  await ask('seek 14', 'ok')
  await ask('poll 2', valuesFrom(36, 2))
  await ask('endOffset', '50')
  const admin = kafkaAt(stage.target.internalServers).admin()
  await admin.connect()
  const [ends] = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  stage.check(
    'the target has deleted its own part',
    ends?.low === String(36 - onSource + old),
    ends,
  )
}
