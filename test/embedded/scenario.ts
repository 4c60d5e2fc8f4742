import { setTimeout as sleep } from 'node:timers/promises'
import { apis, errorCodes } from '../../src/protocol/index.ts'
import { askFetch } from './questions/fetch.ts'
import { topic, type Answers } from './questions/given.ts'
import { askGroups } from './questions/groups.ts'
import { askMetadata } from './questions/metadata.ts'
import { askOffsets } from './questions/offsets.ts'
import { askProduce, askProducers } from './questions/produce.ts'
import { askTopics } from './questions/topics.ts'
import { askTransactions } from './questions/transactions.ts'
import type { RawClient } from './raw-client.ts'

/** Questions to a cluster of one broker, of which every broker must answer the same. */
export async function askEverything(asked: RawClient): Promise<Answers> {
  await prepare(asked)
  return {
    ...(await askMetadata(asked)),
    ...(await askProduce(asked)),
    ...(await askProducers(asked)),
    ...(await askFetch(asked)),
    ...(await askOffsets(asked)),
    ...(await askGroups(asked)),
    ...(await askTransactions(asked)),
    ...(await askTopics(asked)),
  }
}

/** A coordinator needs a moment to make its topics. */
async function prepare(asked: RawClient): Promise<void> {
  const made = { name: topic, numPartitions: 2, replicationFactor: 1, assignments: [], configs: [] }
  await asked.ask(apis.createTopics, 5, { topics: [made], timeoutMs: 10_000 })
  for (const [keyType, key] of [
    [0, 'billing'],
    [1, 'tx'],
  ] as const) {
    const find = { keyType, key }
    while ((await asked.ask(apis.findCoordinator, 3, find)).errorCode !== 0) await sleep(100)
  }
  const unloaded: readonly number[] = [
    errorCodes.COORDINATOR_LOAD_IN_PROGRESS,
    errorCodes.NOT_COORDINATOR,
    errorCodes.COORDINATOR_NOT_AVAILABLE,
  ]
  const init = { transactionalId: 'tx', transactionTimeoutMs: 60_000 }
  while (unloaded.includes((await asked.ask(apis.initProducerId, 3, init)).errorCode))
    await sleep(100)
  const fetch = { groupId: 'billing', topics: null }
  while (unloaded.includes((await asked.ask(apis.offsetFetch, 5, fetch)).errorCode))
    await sleep(100)
}
