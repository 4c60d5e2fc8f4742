/**
 * The interface of every client program: `NAME=VALUE` arguments in, JSON lines out, and on standard
 * error whatever the client logs as a warning or worse. A program ends by itself when its work is done
 * and by SIGTERM at any time, both times in the client's orderly way.
 */
export interface Workload {
  readonly role: 'produce' | 'consume' | 'both'
  readonly bootstrap: string
  /** Of a consumer, several with commas between. */
  readonly topic: string
  /** The client id, and the prefix of every value: record i is `ID-i`, under the key `k(i mod 17)`. */
  readonly id: string
  readonly group?: string
  /** Where a consumer begins that has no position. Default: `earliest`. */
  readonly reset?: 'earliest' | 'latest'
  /** To produce; or to consume before it ends, where the role is `consume` and this is above 0. */
  readonly records: number
  /** Records per second. */
  readonly rate?: number
  readonly acks?: 'all' | '1' | '0'
  readonly idempotence?: boolean
  readonly compression?: Compression
  /** How its group shares partitions. Default: the client's own; not every client knows both. */
  readonly assignment?: Assignment
  /** Makes it a static member (KIP-345), under this name. Only the programs of Java and librdkafka know it. */
  readonly instance?: string
  readonly login?: Login
}

/** Eager members give up everything in a rebalance, cooperative ones (KIP-429) only what moves. */
export type Assignment = 'eager' | 'cooperative'

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

export interface Login {
  readonly mechanism?: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  readonly username?: string
  readonly password?: string
  /** PEM; TLS is spoken where it is given. */
  readonly ca?: string
  /** The same as PKCS12, for Java. */
  readonly truststore?: string
  readonly truststorePassword?: string
}

/** What a program tells. `t` is in milliseconds since 1970. */
export type ClientEvent =
  | RecordEvent
  | {
      readonly event: 'assigned' | 'revoked' | 'lost'
      readonly t: number
      /** Empty where the client does not say which. */
      readonly partitions: readonly number[]
    }
  | {
      /** What the application sees through the client's normal error surface. */
      readonly event: 'error'
      readonly t: number
      readonly where: 'produce' | 'consume' | 'commit' | 'close' | 'client'
      readonly kind: string
      readonly message: string
    }
  | { readonly event: 'log'; readonly t: number; readonly message: string }
  | { readonly event: 'done'; readonly t: number }

export interface RecordEvent {
  readonly event: 'acked' | 'consumed'
  readonly t: number
  readonly partition: number
  /** -1 where the client is not told, as with acks=0. */
  readonly offset: number
  readonly key: string
  readonly value: string
}

/** The arguments of a program. `wire` is the protocol version to speak, for clients that must be told. */
export function programArguments(workload: Workload, wire?: string): string[] {
  const { login } = workload
  const named = {
    role: workload.role,
    bootstrap: workload.bootstrap,
    topic: workload.topic,
    id: workload.id,
    group: workload.group,
    reset: workload.reset ?? 'earliest',
    records: workload.records,
    rate: workload.rate ?? 200,
    acks: workload.acks ?? 'all',
    idempotence: workload.idempotence ?? (workload.acks ?? 'all') === 'all',
    compression: workload.compression ?? 'none',
    assignment: workload.assignment,
    instance: workload.instance,
    wire,
    sasl: login?.mechanism,
    username: login?.username,
    password: login?.password,
    ca: login?.ca,
    truststore: login?.truststore,
    truststorePassword: login?.truststorePassword,
  }
  return Object.entries(named).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  )
}
