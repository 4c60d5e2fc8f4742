import type { CommandBody } from './source.ts'
import type { CommandName } from './status.ts'

export const bodyBytesMax = 64 * 1024

/** @returns `undefined` as soon as it is too large, however it is sent */
export async function readBody(
  body: ReadableStream<Uint8Array> | null,
): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > bodyBytesMax) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

type Parsed = { readonly value: CommandBody } | { readonly error: string }

/** Checks a command's JSON. No body is an empty one. */
export function parseCommandBody(name: CommandName, text: string): Parsed {
  const json = parseJson(text)
  if (json === undefined) return { error: 'the body is not a JSON object' }
  const keys = Object.keys(json)
  const { dormant, sidecar, group } = json
  switch (name) {
    case 'cutover':
    case 'rollback':
      if (keys.some((key) => key !== 'dormant')) return { error: `/${name} takes { "dormant" }` }
      if (dormant === undefined) return { value: {} }
      if (dormant === 'wait' || dormant === 'leave') return { value: { dormant } }
      return { error: '"dormant" is "wait" or "leave"' }
    case 'abort':
      return keys.length === 0 ? { value: {} } : { error: '/abort takes no body' }
    case 'forget':
      if (keys.length === 1 && isName(sidecar)) return { value: { sidecar } }
      if (keys.length === 1 && isName(group)) return { value: { group } }
      return { error: '/forget takes { "sidecar": NAME } or { "group": NAME }' }
  }
}

const isName = (value: unknown): value is string => typeof value === 'string' && value.length > 0

function parseJson(text: string): Readonly<Record<string, unknown>> | undefined {
  if (text.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? { ...value } : undefined
  } catch {
    return undefined
  }
}
