/**
 * Every error that the world can cause, in one table: the code that logs, metrics and the API carry,
 * and what it means. A message gives the value, the bound and the remedy.
 */
export const errorKinds = {
  accept_failed: 'a listener could not accept a connection',
  auth_downstream: 'an application could not be logged in',
  auth_upstream:
    'a cluster refused the credentials, or asked for credentials that are not configured',
  buffers_exhausted: 'the read buffers of all connections together have reached their limit',
  client_idle: 'an application left a frame unfinished, or its answers unread, for too long',
  connection_limit: 'an application was refused because the limit on connections is reached',
  frame_invalid: 'an application sent bytes that are not a Kafka request',
  frame_too_large: 'an application announced a frame above the limit',
  journal_failed: 'the journal could not be written',
  journal_refused: 'the journal is damaged, unknown, or in use by another sidecar',
  not_kafka: 'an application spoke another protocol (HTTP, TLS) on this port',
  unsupported_api: 'an application asked for an API or version that is not offered',
  upstream_closed: 'a broker closed the connection while an answer was outstanding',
  upstream_connect: 'a broker could not be reached',
  upstream_invalid: 'a broker answered bytes that are not the awaited Kafka response',
  upstream_timeout: 'a broker did not answer in time',
} as const satisfies Record<string, string>

export type ErrorKind = keyof typeof errorKinds

/** An error of the world. Bugs of our own are `AssertionError`. */
export class CutoverError extends Error {
  override readonly name = 'CutoverError'
  readonly kind: ErrorKind

  constructor(kind: ErrorKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

/** What was thrown, in words. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
