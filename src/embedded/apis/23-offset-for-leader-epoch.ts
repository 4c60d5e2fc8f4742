import { apis, errorCodes } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import type { Call } from '../shared.ts'
import { ledPartition } from './endpoints.ts'

/**
 * OffsetForLeaderEpoch, versions 0-4: where a leader epoch ended. v2: the client's own epoch is checked.
 * An epoch that is not known is (-1, -1).
 */
export const offsetForLeaderEpoch = handler(
  apis.offsetForLeaderEpoch,
  { min: 0, max: 4 },
  (request, call) => ({
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((asked) => ({
        partition: asked.partition,
        ...answer(call, topic, asked),
      })),
    })),
  }),
)

function answer(
  call: Call,
  name: string,
  asked: { partition: number; currentLeaderEpoch: number; leaderEpoch: number },
) {
  const topic = call.shared.state.topics.get(name)
  const led = ledPartition(call, topic, asked.partition, asked.currentLeaderEpoch)
  if (led.kind === 'refused') return { errorCode: led.errorCode }
  const { log } = led.partition
  const known = log.epochs.endOf(asked.leaderEpoch, log.end)
  if (known === undefined) return { errorCode: errorCodes.NONE }
  return { errorCode: errorCodes.NONE, leaderEpoch: known.epoch, endOffset: known.end }
}
