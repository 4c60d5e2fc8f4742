import { atLeast } from '../kafka/index.ts'
import type { Assignment, Compression } from './workload.ts'

export const clientNames = [
  'java-4.3.1',
  'java-2.8.2',
  'librdkafka',
  'kafkajs',
  'franz-go',
  'sarama',
  'kafka-python',
  'aiokafka',
] as const
export type ClientName = (typeof clientNames)[number]

export interface ClientFacts {
  /** Of the library; pinned in the folder of its program. */
  readonly version: string
  readonly toolchain: 'java' | 'python' | 'go' | 'node'
  /** The oldest broker that it talks to. All of them talk to 4.x. */
  readonly brokerMin: string
  readonly compressions: readonly Compression[]
  /** The oldest protocol version with which its groups can be cooperative (KIP-429), if they can. */
  readonly cooperativeMin?: string
  /**
   * Sends a batch again to whichever partition its partitioner now chooses, and gives the number that it had to the next batch
   * of the former one, which the broker takes for the repetition. Where partitions are added while an answer is lost, it so
   * repeats one record and loses another, on any cluster (test/clients/redeals.test.ts).
   */
  readonly redeals?: true
  /** The newest protocol version that it can be told to speak, where it must be told one. */
  readonly wireMax?: string
}

const everyCompression = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export const clients: Readonly<Record<ClientName, ClientFacts>> = {
  'java-4.3.1': {
    version: '4.3.1',
    cooperativeMin: '0.10.0',
    toolchain: 'java',
    brokerMin: '1.1', // KIP-896 promises no more than 2.1; tried with 1.1.1, it works
    compressions: everyCompression,
  },
  'java-2.8.2': {
    version: '2.8.2',
    cooperativeMin: '0.10.0',
    toolchain: 'java',
    brokerMin: '0.10.0',
    compressions: everyCompression,
  },
  librdkafka: {
    version: '2.16.1',
    cooperativeMin: '0.10.0',
    toolchain: 'python',
    brokerMin: '0.10.0',
    compressions: everyCompression,
  },
  kafkajs: {
    version: '2.2.4',
    toolchain: 'node',
    brokerMin: '0.10.0',
    compressions: ['none', 'gzip'], // the others are plug-ins of third parties
    redeals: true,
  },
  'franz-go': {
    version: '1.22.2',
    cooperativeMin: '0.10.0',
    toolchain: 'go',
    brokerMin: '0.10.0',
    compressions: everyCompression,
  },
  sarama: {
    version: '1.61.1',
    cooperativeMin: '2.4',
    toolchain: 'go',
    brokerMin: '0.10.0',
    compressions: everyCompression,
    wireMax: '4.1.0',
  },
  'kafka-python': {
    version: '3.0.12',
    cooperativeMin: '0.10.0',
    toolchain: 'python',
    brokerMin: '0.10.0',
    compressions: everyCompression,
  },
  aiokafka: {
    version: '0.14.0',
    toolchain: 'python',
    brokerMin: '0.10.0',
    compressions: everyCompression,
  },
}

/** Brokers know zstd from 2.1 on (KIP-110). */
export function compressionsWith(client: ClientName, brokerVersion: string): Compression[] {
  return clients[client].compressions.filter((c) => c !== 'zstd' || atLeast(brokerVersion, '2.1'))
}

export const talksTo = (client: ClientName, brokerVersion: string) =>
  atLeast(brokerVersion, clients[client].brokerMin)

/** The ways in which a client's groups can share partitions when it talks to a broker of that version. */
export function assignmentsOf(client: ClientName, brokerVersion: string): Assignment[] {
  const { cooperativeMin } = clients[client]
  const cooperates = cooperativeMin !== undefined && atLeast(brokerVersion, cooperativeMin)
  return cooperates ? ['eager', 'cooperative'] : ['eager']
}

/** What to tell a client that must be told the version of its brokers. */
export function wireVersion(client: ClientName, brokerVersion: string): string | undefined {
  const { wireMax } = clients[client]
  if (wireMax === undefined) return undefined
  return atLeast(brokerVersion, wireMax) ? wireMax : brokerVersion
}
