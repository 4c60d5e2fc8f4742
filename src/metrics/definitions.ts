/**
 * Every metric of ours that is emitted, in one table: the registry is made of it and docs/metrics.md
 * is held against it.
 */
export const phases = ['source', 'fenced', 'spliced', 'drained', 'target'] as const
export type Phase = (typeof phases)[number]
export const directions = ['forward', 'backward'] as const
export type Direction = (typeof directions)[number]

export const prefix = 'kafka_cutover_'

export interface Definition {
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
  fence_duration_seconds: {
    name: `${prefix}fence_duration_seconds`,
    help: 'How long fences stood, from their entry in the journal to their splice or abort.',
    labelNames: [],
  },
  held_requests: {
    name: `${prefix}held_requests`,
    help: 'Requests that wait now: what is produced for the splice, joins for their group to move.',
    labelNames: ['api'],
  },
  hold_duration_seconds: {
    name: `${prefix}hold_duration_seconds`,
    help: 'How long requests were held that went on.',
    labelNames: ['api'],
  },
  drain_remaining_records: {
    name: `${prefix}drain_remaining_records`,
    help: 'Records of the source that a group has not read yet.',
    labelNames: ['group', 'topic'],
  },
  drain_rate_records_per_second: {
    name: `${prefix}drain_rate_records_per_second`,
    help: 'How fast a group reads what is left.',
    labelNames: ['group', 'topic'],
  },
  drain_eta_seconds: {
    name: `${prefix}drain_eta_seconds`,
    help: 'When a group has read what is left, at its rate now.',
    labelNames: ['group', 'topic'],
  },
  group_moves_total: {
    name: `${prefix}group_moves_total`,
    help: 'Groups that this sidecar moved.',
    labelNames: [],
  },
  group_move_duration_seconds: {
    name: `${prefix}group_move_duration_seconds`,
    help: 'How long these moves took.',
    labelNames: [],
  },
  stragglers_total: {
    name: `${prefix}stragglers_total`,
    help: 'Records that reached the source behind the splice, past every sidecar.',
    labelNames: ['topic'],
  },
  sidecar_acknowledged: {
    name: `${prefix}sidecar_acknowledged`,
    help: '1 for a sidecar that follows the phase, 0 for one that is waited for.',
    labelNames: ['sidecar'],
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
