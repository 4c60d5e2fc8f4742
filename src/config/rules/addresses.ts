import { defaults } from '../defaults.ts'
import type { FileShape } from '../schema.ts'
import { isLoopback, isWildcard } from '../values.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export function listenOf({ listen }: FileShape): Address {
  return { host: listen?.host ?? defaults.listen.host, port: listen?.port ?? defaults.listen.port }
}

export function adminOf({ admin }: FileShape): Address {
  return { host: admin?.host ?? defaults.admin.host, port: admin?.port ?? defaults.admin.port }
}

/** The servers with their places in the list, from which those that were refused are missing. */
export function serversOf(
  shape: FileShape,
  cluster: 'source' | 'target',
): readonly (readonly [Address, number])[] {
  const servers = shape[cluster]?.bootstrapServers ?? []
  return servers.flatMap((server, i) => (server === undefined ? [] : [[server, i] as const]))
}

/** As many as are named, at least one: how many there are only the clusters can say. */
export function brokersExpected(shape: FileShape): number {
  return Math.max(1, serversOf(shape, 'source').length, serversOf(shape, 'target').length)
}

export function sameAddress(a: Address, b: Address): boolean {
  const bothLocal = isLoopback(a.host) && (isLoopback(b.host) || isWildcard(b.host))
  return a.port === b.port && (a.host.toLowerCase() === b.host.toLowerCase() || bothLocal)
}
