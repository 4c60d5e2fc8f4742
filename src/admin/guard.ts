/** Who may send a command: not a web page of another site, and nobody without the token where one is set. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import { hostname } from 'node:os'

/** Constant in time for any two texts: digests are of equal length. */
export function tokenMatches(token: string, authorization: string | undefined): boolean {
  const [, given] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? []
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return given !== undefined && timingSafeEqual(digest(given), digest(token))
}

/**
 * Whether a Host header names this process itself. A web page can make a name of its own resolve to a
 * loopback address (DNS rebinding), but it cannot make the browser send another Host.
 */
export function isOwnHost(host: string | undefined, ownHost: string): boolean {
  const name = hostNameOf(host)
  if (name === undefined) return false
  if (isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost')) return true
  return name === ownHost.toLowerCase() || name === hostname().toLowerCase()
}

/** Whether a request comes from no page at all, or from a page of this very server. */
export function isSameSite(headers: {
  readonly origin: string | undefined
  readonly fetchSite: string | undefined
  readonly host: string | undefined
}): boolean {
  const { origin, fetchSite, host } = headers
  if (fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none') return false
  if (origin === undefined) return true
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase()
}

/** The name without the port, and an IPv6 address without its brackets. */
function hostNameOf(host: string | undefined): string | undefined {
  if (host === undefined || !URL.canParse(`http://${host}`)) return undefined
  const url = new URL(`http://${host}`)
  if (url.host.length === 0 || url.username !== '' || url.pathname !== '/') return undefined
  return url.hostname.replace(/^\[|\]$/g, '').toLowerCase()
}
