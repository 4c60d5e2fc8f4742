import { setTimeout as sleep } from 'node:timers/promises'
import { apis, errorName } from '../protocol/index.ts'
import { transactionalId as carryTransactionalId } from './carry.ts'
import type { Cluster } from './cluster.ts'
import { describeGroup, listGroups } from './groups/index.ts'

const timeoutMs = 15_000
const retryMs = 100
const transactionTimeoutMs = 60_000

/**
 * Makes the target allocate what it will be asked for, while nobody waits: a fresh cluster creates its
 * coordinators' topics at the first request, which takes seconds.
 *
 * @param waits is told what is waited for; it may throw, which ends the wait
 * @throws where the target does not get ready in time
 */
export async function allocate(
  source: Cluster,
  target: Cluster,
  waits: (what: string) => void,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  const ready = async (what: string, ask: () => Promise<unknown>): Promise<void> => {
    for (;;) {
      waits(what)
      try {
        await ask()
        return
      } catch (error) {
        if (performance.now() > deadline) throw error
        await sleep(retryMs)
      }
    }
  }
  await ready('the target to hand out a producer id', async () => {
    const body = { transactionalId: null, transactionTimeoutMs }
    const { errorCode } = await target.ask(apis.initProducerId, 1, body, 'any')
    if (errorCode !== 0) {
      throw new Error(`the target answered InitProducerId with ${errorName(errorCode)}`)
    }
  })
  await ready('the target to take transactions of what is carried', async () => {
    const body = { transactionalId: carryTransactionalId, transactionTimeoutMs }
    const coordinator = { transaction: carryTransactionalId }
    const { errorCode } = await target.ask(apis.initProducerId, 1, body, coordinator)
    if (errorCode !== 0) {
      throw new Error(
        `the target answered InitProducerId of ${carryTransactionalId} with ${errorName(errorCode)}`,
      )
    }
  })
  for (const { group } of await listGroups(source)) {
    await ready(`the target to name a coordinator of group ${group}`, () =>
      describeGroup(target, group),
    )
  }
}
