import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { zeroUuid } from '../../src/protocol/index.ts'
import type { Facts } from './extract-facts.ts'

/** Reads the checked-in facts, under the names that fields and APIs have today. */
const factsSchema = z.record(
  z.string(),
  z.object({
    key: z.number().nullable(),
    versions: z.string(),
    flexible: z.string(),
    listeners: z.string(),
    fields: z.array(z.string()),
  }),
)
const factsUrl = (release: string): URL => new URL(`facts/${release}.json`, import.meta.url)
export const readFacts = async (release: string): Promise<Facts> =>
  factsSchema.parse(JSON.parse(await readFile(factsUrl(release), 'utf8')))

/** Field names that a later release changed: ours are the later ones. The bytes are the same. */
const renamed = new Map([
  ['FetchResponse responses.partitionResponses', 'responses.partitions'],
  ['FetchResponse responses.partitionResponses.partition', 'responses.partitions.partitionIndex'],
  ['FetchResponse responses.partitionResponses.recordSet', 'responses.partitions.records'],
  ['OffsetCommitRequest generationId', 'generationIdOrMemberEpoch'],
  ['AddPartitionsToTxnRequest transactionalId', 'v3AndBelowTransactionalId'],
  ['AddPartitionsToTxnRequest producerId', 'v3AndBelowProducerId'],
  ['AddPartitionsToTxnRequest producerEpoch', 'v3AndBelowProducerEpoch'],
  ['AddPartitionsToTxnRequest topics', 'v3AndBelowTopics'],
  ['AddPartitionsToTxnResponse results', 'resultsByTopicV3AndBelow'],
  ['AddPartitionsToTxnResponse results.results', 'resultsByTopicV3AndBelow.resultsByPartition'],
  [
    'AddPartitionsToTxnResponse results.results.errorCode',
    'resultsByTopicV3AndBelow.resultsByPartition.partitionErrorCode',
  ],
  ['DescribeLogDirsRequest topics.partitionIndex', 'topics.partitions'],
  ['ElectLeadersRequest topicPartitions.partitionId', 'topicPartitions.partitions'],
  ['ListClientMetricsResourcesResponse clientMetricsResources', 'configResources'],
  [
    'ListClientMetricsResourcesResponse clientMetricsResources.name',
    'configResources.resourceName',
  ],
])
export const renamedApis = new Map([['ListClientMetricsResources', 'ListConfigResources']])

export interface Row {
  readonly path: string
  readonly type: string
  readonly versions: string
  readonly nullable: string
  readonly tagged: string
  readonly tag: number
  readonly ignorable: boolean
  readonly default: string | null
}

export function parseLine(message: string, line: string): Row {
  const [path = '', type = '', versions = '', ...rest] = line.split(' ')
  const option = (name: string): string | undefined =>
    rest.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1)
  const standard = / default=(".*")$/.exec(line)?.[1]
  return {
    path: rename(message, path),
    type,
    versions,
    nullable: option('nullable') ?? 'none',
    tagged: option('tagged') ?? 'none',
    tag: Number(option('tag') ?? -1),
    ignorable: rest.includes('ignorable'),
    default: standard === undefined ? null : z.string().parse(JSON.parse(standard)),
  }
}

function rename(message: string, path: string): string {
  const exact = renamed.get(`${message} ${path}`)
  if (exact !== undefined) return exact
  const dot = path.lastIndexOf('.')
  return dot < 0 ? path : `${rename(message, path.slice(0, dot))}${path.slice(dot)}`
}

/** Kafka's default of a field whose definition gives none. */
function zero(type: string): unknown {
  if (type.startsWith('[]')) return []
  switch (type) {
    case 'bool':
      return false
    case 'int64':
      return 0n
    case 'string':
      return ''
    case 'bytes':
      return Buffer.alloc(0)
    case 'records':
      return null
    case 'uuid':
      return zeroUuid
    default:
      return 0
  }
}

export function expectedDefault(row: Row): unknown {
  if (row.default === null || row.default === '') return zero(row.type)
  if (row.default === 'null') return null
  switch (row.type) {
    case 'bool':
      return row.default === 'true'
    case 'string':
      return row.default
    case 'int64':
      return BigInt(row.default)
    default:
      return Number(row.default)
  }
}
