/**
 * The scalars of the configuration, from how people write them: addresses, durations, sizes.
 * Each returns `undefined` for what it does not understand.
 */
import { isIP, isIPv6 } from 'node:net'
import type { ServerAddress } from './config.ts'

export const portMax = 65_535

/** `host:port`, `10.0.0.1:9092`, `[::1]:9092`. */
export function parseAddress(text: string): ServerAddress | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]+)):(\d{1,5})$/.exec(text.trim())
  if (match === null) return undefined
  const [, ipv6, host = '', digits = ''] = match
  const port = Number(digits)
  if (port < 1 || port > portMax) return undefined
  if (ipv6 !== undefined) return isIPv6(ipv6) ? { host: ipv6, port } : undefined
  return isHost(host) ? { host, port } : undefined
}

/** Why an address is not one, and how it would be. */
export function addressRemedy(text: string): string {
  const bare = text.trim()
  if (bare.includes('://')) return 'leave the scheme out; TLS and SASL have keys of their own'
  if (isIPv6(bare)) return `write [${bare}]:9092`
  if (isHost(bare)) return `add the port: ${bare}:9092`
  if (isHost(bare.replace(/:\d+$/, ''))) return 'choose a port from 1 to 65535'
  return 'write it as host:port; IPv6 in brackets'
}

export function formatAddress({ host, port }: ServerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

const hostLabel = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i

/** An IP address, or a name as DNS and container networks write it. */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true
  const name = text.endsWith('.') ? text.slice(0, -1) : text
  if (name.length === 0 || name.length > 253) return false
  const labels = name.split('.')
  // A last label of digits is a mistyped IPv4 address.
  return labels.every((label) => hostLabel.test(label)) && !/^\d+$/.test(labels.at(-1) ?? '')
}

export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || (isIPv6(host) && /^[0:]+$/.test(host))
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/** Whether a socket on the one would meet a socket on the other, as far as names tell. */
export function hostsOverlap(a: string, b: string): boolean {
  const sameText = a.toLowerCase() === b.toLowerCase()
  const local = (host: string): boolean => isLoopback(host)
  const nameAndLoopback = (a === 'localhost' || b === 'localhost') && local(a) && local(b)
  return sameText || nameAndLoopback || isWildcard(a) || isWildcard(b)
}

const durationUnits = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const
const sizeUnits = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const

/** `"10s"`, `"500ms"`, `"10m"`, or a number of milliseconds. */
export const parseDuration = (value: unknown): number | undefined => quantity(value, durationUnits)

/** `"100MiB"`, `"64KiB"`, or a number of bytes. */
export const parseSize = (value: unknown): number | undefined => quantity(value, sizeUnits)

export const formatDuration = (ms: number): string => inLargestUnit(ms, durationUnits)
export const formatSize = (bytes: number): string => inLargestUnit(bytes, sizeUnits)

type Units = Readonly<Record<string, number>>

function quantity(value: unknown, units: Units): number | undefined {
  if (typeof value === 'number') return whole(value)
  if (typeof value !== 'string') return undefined
  const match = /^(\d+(?:\.\d+)?) ?([a-z]+)$/i.exec(value.trim())
  const unit = match?.[2] === undefined ? undefined : units[match[2]]
  return unit === undefined ? undefined : whole(Number(match?.[1]) * unit)
}

function whole(value: number): number | undefined {
  return Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

function inLargestUnit(value: number, units: Units): string {
  let text = String(value)
  for (const [name, unit] of Object.entries(units)) {
    if (value % unit === 0 && value >= unit) text = `${value / unit}${name}`
  }
  return text
}

/** What Kafka accepts as a topic's name. */
export function isTopicName(text: string): boolean {
  return /^[a-zA-Z0-9._-]{1,249}$/.test(text) && text !== '.' && text !== '..'
}
