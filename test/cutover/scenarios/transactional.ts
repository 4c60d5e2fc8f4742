/** A transactional producer that is active on a topic of the plan: refused, by its name. */
import { createTopics } from '../../kafka/index.ts'
import { middlePair, newPair, oldPair, type NamedScenario } from './scenario.ts'
import { cutOver, kafkaAt, operate, statusOf, type Stage } from './stage.ts'

export const transactional: readonly NamedScenario[] = [
  {
    name: 'transactional',
    pairs: [oldPair, middlePair, ['3.2.3', '2.8.2'], newPair],
    clients: [],
    play,
  },
]

async function play(stage: Stage): Promise<void> {
  const [topic, other] = [`orders-${stage.unique}`, `other-${stage.unique}`]
  const transactionalId = `billing-${stage.unique}`
  for (const cluster of [stage.source, stage.target])
    await createTopics(cluster, [topic, other], { partitions: 1 })
  const sidecar = await stage.sidecar({ topics: [topic] })
  const producer = kafkaAt(sidecar.bootstrap).producer({
    ...{ transactionalId, idempotent: true, maxInFlightRequests: 1 },
  })
  await producer.connect()
  stage.atEnd(() => producer.disconnect())
  const clusters = (topics: string) => [
    ...['--source', stage.source.bootstrapServers, '--target', stage.target.bootstrapServers],
    ...['--topics', topics],
  ]
  const refusedIn = async (when: string) => {
    const checked = await operate(['check', ...clusters(topic)])
    stage.check(`${when}: check exits 3`, checked.code === 3, checked)
    stage.check(
      `${when}: check names the transactional id`,
      checked.stdout.includes(transactionalId),
      checked,
    )
    const answer = await operate(['cutover', '--admin', sidecar.admin, '--timeout', '20s'])
    stage.check(`${when}: cutover exits 3`, answer.code === 3, answer)
    stage.check(
      `${when}: cutover names the transactional id`,
      answer.stderr.includes(transactionalId),
      answer,
    )
    const { phase } = await statusOf(sidecar)
    stage.check(`${when}: phase source`, phase === 'source', phase)
  }
  const open = await producer.transaction()
  await open.send({ topic, messages: [{ value: 'open' }] })
  await refusedIn('a transaction is open')
  await open.commit()
  await refusedIn('it has just committed')
  const unconcerned = await operate(['check', ...clusters(other)])
  stage.check('a plan without the topic is not refused', unconcerned.code === 0, unconcerned)
  const elsewhere = await stage.sidecar({ topics: [other] })
  await cutOver(stage, elsewhere)
}
