import { setTimeout as sleep } from 'node:timers/promises'
import { apis, errorCodes, type RequestInput } from '../../../src/protocol/index.ts'
import type { RawClient } from '../raw-client.ts'
import { topic, type Answers } from './given.ts'

export async function askTransactions(asked: RawClient): Promise<Answers> {
  const answers: Answers = {}
  const init = async (transactionalId: string, transactionTimeoutMs = 60_000) =>
    asked.ask(apis.initProducerId, 3, { transactionalId, transactionTimeoutMs })
  const { producerId, producerEpoch } = await init('tx')
  const add = async (name: string, id = producerId, epoch = producerEpoch, tx = 'tx') => {
    const answer = await asked.ask(apis.addPartitionsToTxn, 3, {
      v3AndBelowTransactionalId: tx,
      v3AndBelowProducerId: id,
      v3AndBelowProducerEpoch: epoch,
      v3AndBelowTopics: [
        { name: topic, partitions: [0] },
        { name, partitions: [1] },
      ],
    })
    return answer.resultsByTopicV3AndBelow
      .flatMap(({ resultsByPartition }) => resultsByPartition)
      .map(({ partitionErrorCode }) => partitionErrorCode)
      .sort()
  }
  const end = async (committed: boolean, epoch = producerEpoch, tx = 'tx') => {
    const request = { transactionalId: tx, producerId, producerEpoch: epoch, committed }
    for (;;) {
      const { errorCode } = await asked.ask(apis.endTxn, 2, request)
      // A real coordinator writes its markers after the answer.
      if (errorCode !== errorCodes.CONCURRENT_TRANSACTIONS) return errorCode
      await sleep(50)
    }
  }
  answers['transaction: timeout too long'] = (await init('tx2', 1_000_000_000)).errorCode
  answers['transaction: no timeout'] = (await init('tx2', 0)).errorCode
  answers['transaction: no name'] = (await init('')).errorCode
  answers['transaction: end of none'] = await end(true)
  answers['transaction: add, unknown topic'] = await add('nowhere')
  answers['transaction: add, other id'] = await add(topic, producerId + 9n)
  answers['transaction: add, other epoch'] = await add(topic, producerId, producerEpoch + 1)
  answers['transaction: add, unknown name'] = await add(topic, producerId, producerEpoch, 'none')
  const listed = async (
    filter: Partial<RequestInput<typeof apis.listTransactions>>,
    version: 0 | 1 = 0,
  ) => {
    const all = { stateFilters: [], producerIdFilters: [] }
    const answer = await asked.ask(apis.listTransactions, version, { ...all, ...filter })
    const states = answer.transactionStates.map((each) => [
      each.transactionalId,
      each.producerId === producerId,
      each.transactionState,
    ])
    return [answer.errorCode, answer.unknownStateFilters, states]
  }
  answers['transaction: listed before the first'] = await listed({})
  answers['transaction: listed before the first, old'] = await listed(
    { durationFilter: 60_000n },
    1,
  )
  answers['transaction: add'] = await add(topic)
  answers['transaction: listed'] = await listed({})
  answers['transaction: listed, young'] = await listed({ durationFilter: 60_000n }, 1)
  answers['transaction: listed by state'] = await listed({ stateFilters: ['Ongoing', 'Empty'] })
  answers['transaction: listed by another'] = await listed({ stateFilters: ['CompleteCommit'] })
  answers['transaction: listed by none'] = await listed({ stateFilters: ['ongoing'] })
  answers['transaction: listed by id'] = await listed({ producerIdFilters: [producerId] })
  answers['transaction: listed by other id'] = await listed({
    producerIdFilters: [producerId + 9n],
  })
  answers['transaction: end, other epoch'] = await end(true, producerEpoch + 1)
  answers['transaction: end, unknown name'] = await end(true, producerEpoch, 'none')
  answers['transaction: end'] = await end(true)
  answers['transaction: end again'] = await end(true)
  answers['transaction: end otherwise'] = await end(false)
  return answers
}
