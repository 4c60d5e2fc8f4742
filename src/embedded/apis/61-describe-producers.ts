import { apis, errorCodes } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import { ledPartition } from './endpoints.ts'

/** DescribeProducers, version 0: what a partition knows of each producer id, open transactions too. */
export const describeProducers = handler(
  apis.describeProducers,
  { min: 0, max: 0 },
  (request, call) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partitionIndex) => {
        const led = ledPartition(call, call.shared.state.topics.get(name), partitionIndex)
        return led.kind === 'led'
          ? {
              partitionIndex,
              errorCode: errorCodes.NONE,
              activeProducers: led.partition.log.activeProducers(),
            }
          : { partitionIndex, errorCode: led.errorCode, activeProducers: [] }
      }),
    })),
  }),
)
