import { apis, batchLayout, crc32c, encodeBatch } from '../../../src/protocol/index.ts'
import { batchOf, produceOf } from '../batches.ts'
import type { RawClient } from '../raw-client.ts'
import { topic, type Answers } from './given.ts'

type Produced = readonly [errorCode: number | undefined, baseOffset: bigint | undefined]

async function produce(
  asked: RawClient,
  records: Buffer | null,
  { version = 9, index = 0, name = topic, acks = -1 } = {},
): Promise<Produced> {
  const answer = await asked.ask(apis.produce, version, produceOf(name, index, records, { acks }))
  const partition = answer.responses[0]?.partitionResponses[0]
  return [partition?.errorCode, partition?.baseOffset]
}

/** The same batch with some bytes changed, and a checksum that is right again. */
function changed(batch: Buffer, change: (batch: Buffer) => void): Buffer {
  const copy = Buffer.from(batch)
  change(copy)
  copy.writeUInt32BE(crc32c(copy, batchLayout.attributes), batchLayout.crc)
  return copy
}

export async function askProduce(asked: RawClient): Promise<Answers> {
  const sound = batchOf(['a', 'b'])
  const wrongCrc = Buffer.from(sound)
  wrongCrc.writeUInt8(wrongCrc.readUInt8(wrongCrc.length - 1) ^ 1, wrongCrc.length - 1)
  const control = encodeBatch({
    ...{ producerId: 1n, producerEpoch: 0, baseSequence: 0, isControl: true },
    records: [{ timestamp: 1n, value: Buffer.from('x') }],
  })
  const miscounted = changed(sound, (batch) => batch.writeInt32BE(5, batchLayout.lastOffsetDelta))
  return {
    'produce: sound': await produce(asked, sound),
    'produce: the next one': await produce(asked, sound, { acks: 1 }),
    'produce: unknown topic': await produce(asked, sound, { name: 'nowhere' }),
    'produce: unknown partition': await produce(asked, sound, { index: 7 }),
    'produce: wrong checksum': await produce(asked, wrongCrc),
    'produce: two batches': await produce(asked, Buffer.concat([sound, sound])),
    'produce: control batch': await produce(asked, control),
    'produce: wrong count': await produce(asked, miscounted),
    'produce: acks 5': await produce(asked, sound, { acks: 5 }),
    'produce: too large': await produce(asked, batchOf(['x'.repeat(1_100_000)])),
    'produce: after all that': await produce(asked, sound),
  }
}

export async function askProducers(asked: RawClient): Promise<Answers> {
  const { producerId } = await asked.ask(apis.initProducerId, 3, {
    transactionalId: null,
    transactionTimeoutMs: 1000,
  })
  const send = (baseSequence: number, producerEpoch = 0, count = 1, id = producerId) =>
    produce(
      asked,
      batchOf(Array<string>(count).fill('p'), { producerId: id, producerEpoch, baseSequence }),
      { index: 1 },
    )
  const answers: Answers = {}
  const steps: readonly (readonly [string, readonly [number, number?, number?, bigint?]])[] = [
    ['first', [0]],
    ['second', [1]],
    ['third, of two', [2, 0, 2]],
    ['second again', [1]],
    ['third again', [2, 0, 2]],
    ['part of the third', [3]],
    ['a gap', [9]],
    ['new epoch, not from 0', [4, 1]],
    ['new epoch, from 0', [0, 1]],
    ['the old epoch', [4, 0]],
    ['first of the new epoch again', [0, 1]],
    ['an id without history, not from 0', [5, 0, 1, producerId + 500n]],
  ]
  for (const [name, args] of steps) answers[`producer: ${name}`] = await send(...args)
  for (let sequence = 1; sequence < 7; sequence++) await send(sequence, 1)
  answers['producer: the fifth last again'] = await send(2, 1)
  answers['producer: the sixth last again'] = await send(1, 1)
  const described = await asked.ask(apis.describeProducers, 0, {
    topics: [{ name: topic, partitionIndexes: [1, 9] }],
  })
  answers['producer: described'] = described.topics[0]?.partitions.map((each) => [
    each.errorCode,
    each.activeProducers
      .map(({ producerEpoch, lastSequence, coordinatorEpoch, currentTxnStartOffset }) => [
        ...[producerEpoch, lastSequence, coordinatorEpoch, currentTxnStartOffset],
      ])
      .sort(),
  ])
  return answers
}
