import type { Limits } from './config.ts'

const second = 1_000
const mebibyte = 2 ** 20

export const defaults = {
  listen: { host: '127.0.0.1', port: 9092 },
  admin: { host: '127.0.0.1', port: 9600 },
  mode: 'ordered',
  fenceDeadlineMs: 5 * second,
  logLevel: 'info',
} as const

/** Above this, clients begin to see that their requests are held. */
export const fenceDeadlineMsMax = 8 * second

export const limitDefaults: Limits = {
  connectionsMax: null,
  requestBytesMax: 100 * mebibyte,
  rewrittenResponseBytesMax: 100 * mebibyte,
  bufferedBytesMax: 256 * mebibyte,
  inFlightRequestsMax: 1_000,
  connectTimeoutMs: 10 * second,
  answerTimeoutMs: 120 * second,
  unfinishedRequestTimeoutMs: 60 * second,
  unreadAnswerTimeoutMs: 600 * second,
  topologyAgeMsMax: 60 * second,
  splitFetchWaitMs: 100,
  shutdownTimeoutMs: 25 * second,
}
