/** Talks to a running sidecar over its admin API. */
import type { CommandBody, CommandName, OffsetsStatus, Status } from '../admin/index.ts'

export const adminDefault = 'http://127.0.0.1:9600'
const answerTimeoutMs = 5_000

export interface AdminAddress {
  readonly url: URL
  readonly token: string | null
}

export type Answer<T> =
  | { readonly kind: 'ok'; readonly value: T; readonly json: unknown }
  /** The sidecar said no; `status` is the HTTP status. */
  | { readonly kind: 'no'; readonly status: number; readonly error: string; readonly json: unknown }
  /** Nobody who could say anything. */
  | { readonly kind: 'unreachable'; readonly error: string }

/** `http://host:port`, or `host:port`. */
export function parseAdminUrl(text: string): URL | undefined {
  const whole = /^https?:\/\//.test(text) ? text : `http://${text}`
  if (!URL.canParse(whole)) return undefined
  const url = new URL(whole)
  return url.hostname !== '' && url.username === '' && url.pathname === '/' ? url : undefined
}

export function getStatus(admin: AdminAddress): Promise<Answer<Status>> {
  return send(admin, 'status', {}, isStatus)
}

/** The partition and the offset as they were typed: the sidecar says what is allowed. */
export function getOffsets(
  admin: AdminAddress,
  { topic, partition, offset }: Readonly<Record<'topic' | 'partition' | 'offset', string>>,
): Promise<Answer<OffsetsStatus>> {
  const query = new URLSearchParams({ topic, partition, offset })
  return send(admin, `offsets?${query.toString()}`, {}, isOffsets)
}

export function postCommand(
  admin: AdminAddress,
  name: CommandName,
  body: CommandBody,
): Promise<Answer<Status>> {
  const request = {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      ...(admin.token === null ? {} : { Authorization: `Bearer ${admin.token}` }),
    },
    body: JSON.stringify(body),
  }
  return send(admin, name, request, isStatus)
}

async function send<T>(
  { url }: AdminAddress,
  path: string,
  options: RequestInit,
  isAnswer: (json: unknown) => json is T,
): Promise<Answer<T>> {
  let response: Response
  let json: unknown
  try {
    response = await fetch(new URL(path, url), {
      ...options,
      redirect: 'error',
      signal: AbortSignal.timeout(answerTimeoutMs),
    })
    json = await response.json()
  } catch (error) {
    const why = `no sidecar answers at ${url.origin} (${reason(error)})`
    const remedy = 'Is it running? Name its admin address with --admin or KAFKA_CUTOVER_ADMIN.'
    return { kind: 'unreachable', error: `${why}.\n${remedy}` }
  }
  if (response.ok && isAnswer(json)) return { kind: 'ok', value: json, json }
  const error = errorOf(json) ?? `${url.origin} answered ${response.status}, not as a sidecar does`
  return { kind: 'no', status: response.status, error, json }
}

/** Node's fetch says "fetch failed"; what failed is in the cause. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `no answer within ${answerTimeoutMs / 1_000} s`
  if (error instanceof SyntaxError) return 'the answer is not JSON'
  const { cause } = error
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code
  return cause instanceof Error ? cause.message : error.message
}

function errorOf(json: unknown): string | undefined {
  const isObject = typeof json === 'object' && json !== null
  return isObject && 'error' in json && typeof json.error === 'string' ? json.error : undefined
}

/** Looks at what tells a status from anything else; the rest is the same version's word. */
function isStatus(json: unknown): json is Status {
  if (typeof json !== 'object' || json === null) return false
  const lists = ['waitingFor', 'topics', 'groups', 'sidecars', 'listeners', 'source', 'allowed']
  return (
    'phase' in json &&
    typeof json.phase === 'string' &&
    Object.entries(json).filter(([key, value]) => lists.includes(key) && Array.isArray(value))
      .length === lists.length
  )
}

function isOffsets(json: unknown): json is OffsetsStatus {
  return (
    typeof json === 'object' &&
    json !== null &&
    'offset' in json &&
    typeof json.offset === 'number' &&
    'source' in json &&
    'target' in json
  )
}
