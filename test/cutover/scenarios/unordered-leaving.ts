/** The end of an unordered cutover: a group on the target is native, and its members leave the sidecar one by one. */
import {
  assignmentsOf,
  clientNames,
  type ClientName,
  type RunningClient,
} from '../../clients/index.ts'
import { createTopics } from '../../kafka/index.ts'
import { preload } from '../native.ts'
import { produce } from './applications.ts'
import { assignedTo, everythingOnce, member, noErrors, readBy, valuesOf } from './members.ts'
import { middlePair, newPair, type NamedScenario } from './scenario.ts'
import { cutOver, kafkaAt, pause, type Stage } from './stage.ts'

/** More members than partitions of the source, so that one is idle; as many as the target's. */
const sourcePartitions = 2
const targetPartitions = 3
const memberCount = 3
const preloaded = 5
const rate = 40
const growthMsMax = 10_000
/** Cooperative groups may take two rebalances to settle. */
const restMs = 4_000

/** With the same name everything moves, and the source is switched off; with another one, the topic alone. */
export const leaving: readonly NamedScenario[] = clientNames.flatMap((name) => [
  {
    name: `unordered-leaving-${name}`,
    pairs: [middlePair],
    clients: [name],
    fresh: true,
    play: (stage: Stage) => play(stage, name, false),
  },
  {
    name: `unordered-leaving-renamed-${name}`,
    pairs: [newPair],
    clients: [name],
    play: (stage: Stage) => play(stage, name, true),
  },
])

interface Leaving {
  readonly name: string
  /** Those who read now. */
  readonly members: RunningClient[]
  readonly gone: RunningClient[]
  /** A member that connects to the target itself, where its topic has the target's name. */
  readonly direct: (i: number) => RunningClient
}

async function play(stage: Stage, name: ClientName, isRenamed: boolean): Promise<void> {
  const topic = `logs-${stage.unique}`
  const nativeTopic = isRenamed ? `native-${stage.unique}` : topic
  await createTopics(stage.source, [topic], { partitions: sourcePartitions })
  await createTopics(stage.target, [nativeTopic], { partitions: targetPartitions })
  await preload(stage.target, nativeTopic, 0, preloaded)
  const sidecar = await stage.sidecar({
    ...(isRenamed ? { topics: [`${topic}:${nativeTopic}`] } : {}),
    args: ['--mode', 'unordered'],
  })
  const { bootstrap } = sidecar
  const groups = assignmentsOf(name, stage.source.version).map((assignment): Leaving => {
    const group = `${assignment}-${stage.unique}`
    const common = { name, group, assignment }
    const numbers = Array.from({ length: memberCount }, (_, i) => i + 1)
    return {
      name: assignment,
      members: numbers.map((i) => member(stage, { ...common, bootstrap, topic, suffix: `-${i}` })),
      gone: [],
      direct: (i) =>
        member(stage, {
          ...{ ...common, bootstrap: stage.target.bootstrapServers, topic: nativeTopic },
          suffix: `-direct-${i}`,
        }),
    }
  })
  // Some clients say nothing of an assignment that is empty.
  await stage.wait('the groups form', () =>
    groups.every(
      ({ members }) => members.filter((m) => assignedTo(m) > 0).length >= sourcePartitions,
    ),
  )
  const producers = [true, false].map((idempotence) =>
    stage.client(name, {
      ...{ role: 'produce', bootstrap, topic, records: 1_000_000, rate, idempotence },
      id: idempotence ? 'once' : 'plain',
    }),
  )
  await stage.wait('records flow', () => groups.every(({ members }) => readBy(members).length > 50))
  await pause(restMs)
  const flippedAt = Date.now()
  await cutOver(stage, sidecar, 'target')
  for (const { name: group, members } of groups) {
    const grown = readBy(members).filter(({ partition }) => partition >= sourcePartitions)
    const ms = Math.min(...grown.map(({ t }) => t)) - flippedAt
    stage.check(`${group}: reads the target within ${growthMsMax} ms`, ms <= growthMsMax, ms)
  }
  // As an operator: not in the moment in which the last Fetches come back from there.
  await pause(restMs)
  if (!isRenamed) await stage.source.stop()
  // Those behind the sidecar may not know yet that the target has more partitions than the source had.
  const native = produce(stage, kafkaAt(stage.target.internalServers, 'native'), nativeTopic, {
    ...{ id: 'native', partitions: targetPartitions, everyMs: 25 },
  })
  await nobodyIsIdle(stage, groups, 'behind the move')
  await pause(restMs)
  for (let i = 1; i <= memberCount; i++) await replace(stage, groups, i)
  for (const producer of producers) await producer.stop()
  const direct = stage.client(name, {
    ...{ role: 'produce', id: 'direct', topic: nativeTopic },
    bootstrap: stage.target.bootstrapServers,
    records: 100,
    rate: 100,
  })
  await direct.ended
  await native.stop()
  await sidecar.kill()
  const all = [...producers, direct]
  const values = [...valuesOf(all), ...native.acked.keys()]
  for (const { name: group, members, gone } of groups) {
    await everythingOnce(stage, group, [...gone, ...members], values)
    const old = readBy([...gone, ...members]).filter(({ value }) => value.startsWith('old-'))
    stage.check(`${group}: and nothing older`, old.length === 0, old.slice(0, 3))
  }
  noErrors(stage, 'producers', all)
}

/** One member of each group leaves in its orderly way, and comes back to the target itself, under load. */
async function replace(stage: Stage, groups: readonly Leaving[], i: number): Promise<void> {
  for (const group of groups) {
    const leaver = group.members.shift()
    if (leaver === undefined) return
    await leaver.stop()
    group.gone.push(leaver)
    const comer = group.direct(i)
    group.members.push(comer)
    await stage.wait(
      `${group.name}: a direct member ${i} reads beside ${memberCount - i} behind the sidecar`,
      () => comer.consumed.length > 0,
      { timeoutMs: 60_000 },
    )
  }
  await pause(restMs)
  await nobodyIsIdle(stage, groups, `with ${i} direct members`)
}

/** As many members as partitions: each gets something. */
async function nobodyIsIdle(stage: Stage, groups: readonly Leaving[], when: string): Promise<void> {
  const before = groups.map(({ members }) => members.map(({ consumed }) => consumed.length))
  await stage.wait(
    `nobody is idle ${when}`,
    () =>
      groups.every(({ members }, at) =>
        members.every(({ consumed }, i) => consumed.length > (before[at]?.[i] ?? 0)),
      ),
    { timeoutMs: 20_000 },
  )
}
