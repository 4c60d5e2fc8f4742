import { errorCodes } from '../protocol/index.ts'
import type { Shared } from './shared.ts'
import type { Refused, Topic } from './state.ts'

/** The configurations of topics that are kept and shown, with a broker's defaults. */
export const topicConfigDefaults: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'compression.type': 'producer',
  'delete.retention.ms': '86400000',
  'file.delete.delay.ms': '60000',
  'flush.messages': '9223372036854775807',
  'flush.ms': '9223372036854775807',
  'follower.replication.throttled.replicas': '',
  'index.interval.bytes': '4096',
  'leader.replication.throttled.replicas': '',
  'max.compaction.lag.ms': '9223372036854775807',
  'max.message.bytes': '1048588',
  'message.downconversion.enable': 'true',
  'message.timestamp.type': 'CreateTime',
  'min.cleanable.dirty.ratio': '0.5',
  'min.compaction.lag.ms': '0',
  'min.insync.replicas': '1',
  preallocate: 'false',
  'retention.bytes': '-1',
  'retention.ms': '604800000',
  'segment.bytes': '1073741824',
  'segment.index.bytes': '10485760',
  'segment.jitter.ms': '0',
  'segment.ms': '604800000',
  'unclean.leader.election.enable': 'false',
}

/** ConfigResource.Type of Kafka's admin client. */
export const resourceTypes = { topic: 2, broker: 4 } as const

export function topicConfig({ limits }: Shared, topic: Topic | undefined, name: string): string {
  const own = topic?.configs.get(name)
  if (own !== undefined) return own
  return name === 'max.message.bytes'
    ? String(limits.batchBytesMax)
    : (topicConfigDefaults[name] ?? '')
}

export interface ConfiguredResource {
  readonly kind: 'resource'
  readonly set: Map<string, string>
  readonly defaults: Readonly<Record<string, string>>
}

/** @param name of a topic, or a node id, or '' for all brokers */
export function configuredResource(
  { state, limits }: Shared,
  type: number,
  name: string,
): ConfiguredResource | ({ readonly kind: 'refused' } & Refused) {
  if (type === resourceTypes.topic) {
    const topic = state.topics.get(name)
    if (topic === undefined)
      return { kind: 'refused', errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION, message: '' }
    const defaults = { ...topicConfigDefaults, 'max.message.bytes': String(limits.batchBytesMax) }
    return { kind: 'resource', set: topic.configs, defaults }
  }
  const isBroker = type === resourceTypes.broker
  if (!isBroker || (name !== '' && !state.brokers.has(Number(name)))) {
    const message = isBroker
      ? `Unexpected broker id ${name}.`
      : `resource type ${type} is not handled`
    return { kind: 'refused', errorCode: errorCodes.INVALID_REQUEST, message }
  }
  const set = state.brokerConfigs.get(name) ?? new Map<string, string>()
  state.brokerConfigs.set(name, set)
  return { kind: 'resource', set, defaults: {} }
}

/** @param value null takes the setting away */
export function refuseConfig(
  type: number,
  name: string,
  value: string | null,
): Refused | undefined {
  return type === resourceTypes.topic && value !== null ? refuseTopicConfig(name, value) : undefined
}

const words: Readonly<Record<string, RegExp>> = {
  'cleanup.policy': /^(delete|compact)(,(delete|compact))*$/,
  'compression.type': /^(producer|uncompressed|gzip|snappy|lz4|zstd)$/,
  'message.timestamp.type': /^(CreateTime|LogAppendTime)$/,
}

/** Numbers, booleans and the words that brokers know; other values are kept as they are. */
export function refuseTopicConfig(name: string, value: string | null): Refused | undefined {
  const standard = topicConfigDefaults[name]
  const errorCode = errorCodes.INVALID_CONFIG
  if (standard === undefined) return { errorCode, message: `Unknown topic config name: ${name}` }
  if (value === null) return { errorCode, message: `Null value not supported for ${name}` }
  const pattern =
    words[name] ??
    (/^-?\d+$/.test(standard)
      ? /^-?\d+$/
      : standard === 'true' || standard === 'false'
        ? /^(true|false)$/
        : /^/)
  return pattern.test(value)
    ? undefined
    : { errorCode, message: `Invalid value ${value} for configuration ${name}` }
}
