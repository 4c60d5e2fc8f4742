/**
 * Every metric of ours that is emitted, in one table: the registry is made of it and docs/metrics.md
 * is held against it.
 */
export const phases = ['source', 'fenced', 'spliced', 'drained', 'target'] as const
export type Phase = (typeof phases)[number]
export const directions = ['forward', 'backward'] as const
export type Direction = (typeof directions)[number]

export const prefix = 'kafka_cutover_'

interface Definition {
  readonly name: `${typeof prefix}${string}`
  readonly help: string
  readonly labelNames: readonly string[]
}

export const definitions = {
  build_info: {
    name: `${prefix}build_info`,
    help: 'The version that runs; always 1.',
    labelNames: ['version'],
  },
  phase: {
    name: `${prefix}phase`,
    help: '1 for the current phase and direction, 0 for the others.',
    labelNames: ['phase', 'direction'],
  },
  transitions_total: {
    name: `${prefix}transitions_total`,
    help: 'Changes from one phase to another.',
    labelNames: ['from', 'to'],
  },
  downstream_connections: {
    name: `${prefix}downstream_connections`,
    help: 'Connections from applications, now.',
    labelNames: [],
  },
  upstream_connections: {
    name: `${prefix}upstream_connections`,
    help: 'Connections to brokers, now.',
    labelNames: ['cluster'],
  },
  requests_total: {
    name: `${prefix}requests_total`,
    help: 'Answered requests, by API and by who answered: source, target, or the sidecar itself.',
    labelNames: ['api', 'cluster'],
  },
  request_duration_seconds: {
    name: `${prefix}request_duration_seconds`,
    help: "From a request's last byte in to its answer's first byte out.",
    labelNames: ['api', 'cluster'],
  },
  received_bytes_total: {
    name: `${prefix}received_bytes_total`,
    help: 'Bytes received from applications (client) and from each cluster.',
    labelNames: ['peer'],
  },
  sent_bytes_total: {
    name: `${prefix}sent_bytes_total`,
    help: 'Bytes sent to applications (client) and to each cluster.',
    labelNames: ['peer'],
  },
  errors_total: {
    name: `${prefix}errors_total`,
    help: 'Errors of the world, by kind.',
    labelNames: ['kind'],
  },
} as const satisfies Record<string, Definition>
