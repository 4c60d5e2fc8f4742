import { readFileSync } from 'node:fs'

/** A client connection may need so many descriptors: its own, and those to its brokers. */
const descriptorsPerConnection = 4
/** What the process needs besides: listeners, logs, the admin port. */
const descriptorsReserved = 200
const connectionsMaxByDefault = 10_000

/** How many files the process may open, or undefined where the system does not say. */
export function descriptorLimit(): number | undefined {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1')
    const soft = /^Max open files\s+(\S+)/m.exec(limits)?.[1]
    return soft === undefined || soft === 'unlimited' ? undefined : Number(soft)
  } catch {
    return undefined
  }
}

/**
 * The limit on client connections: the configured one, which must fit into the limit on descriptors, or
 * as many as fit.
 */
export function connectionsAllowed(
  configured: number | null,
  descriptors: number | undefined,
): { readonly connectionsMax: number } | { readonly error: string } {
  const fit =
    descriptors === undefined
      ? connectionsMaxByDefault
      : Math.floor((descriptors - descriptorsReserved) / descriptorsPerConnection)
  if (configured !== null && (descriptors === undefined || configured <= fit)) {
    return { connectionsMax: configured }
  }
  if (configured === null && fit >= 1) {
    return { connectionsMax: Math.min(fit, connectionsMaxByDefault) }
  }
  const wanted = (configured ?? 1) * descriptorsPerConnection + descriptorsReserved
  return {
    error: `limits.connections: ${configured ?? 1} need ${wanted} file descriptors (${descriptorsPerConnection} each and ${descriptorsReserved} besides), the process may open ${descriptors ?? 0}: raise the limit (ulimit -n ${wanted}) or allow ${Math.max(fit, 0)} connections`,
  }
}
