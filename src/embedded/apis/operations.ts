/** What everybody may do in a cluster without authorizer, as bits of `AclOperation`'s codes. */
const bits = (...codes: readonly number[]): number =>
  codes.reduce((sum, code) => sum | (1 << code), 0)

const [read, write, create, remove, alter, describe] = [3, 4, 5, 6, 7, 8]
const [clusterAction, describeConfigs, alterConfigs, idempotentWrite] = [9, 10, 11, 12]

export const operations = {
  cluster: bits(
    create,
    alter,
    describe,
    clusterAction,
    describeConfigs,
    alterConfigs,
    idempotentWrite,
  ),
  topic: bits(read, write, create, remove, alter, describe, describeConfigs, alterConfigs),
  group: bits(read, remove, describe),
} as const
