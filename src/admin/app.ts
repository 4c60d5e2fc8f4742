import { Hono, type Context } from 'hono'
import { bodyBytesMax, parseCommandBody, readBody } from './body.ts'
import type { EventStreams } from './events.ts'
import { parseOffsetsQuery } from './query.ts'
import { isOwnHost, isSameSite, tokenMatches } from './guard.ts'
import { page, pageHeaders } from './page.ts'
import type { AdminSource } from './source.ts'
import { commandNames } from './status.ts'

export interface AppOptions {
  readonly source: AdminSource
  readonly events: EventStreams
  /** The host that the operator gave to listen on. */
  readonly host: string
  readonly token: string | null
}

type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 409 | 413 | 500 | 503

export function adminApp({ source, events, host, token }: AppOptions): Hono {
  const app = new Hono()

  const refuse = (c: Context, status: ErrorStatus, error: string, allowed?: readonly string[]) => {
    const { phase, direction, ...now } = source.status()
    return c.json({ error, phase, direction, allowed: allowed ?? now.allowed }, status)
  }

  app.use(async (c, next) => {
    c.header('Cache-Control', 'no-store')
    c.header('X-Content-Type-Options', 'nosniff')
    // With a token, a page of another site learns and does nothing without it; names are free then.
    if (token === null && !isOwnHost(c.req.header('host'), host)) {
      return refuse(c, 403, `the Host header names another host; use an IP address or ${host}`)
    }
    return next()
  })

  const pages: Readonly<Record<string, (c: Context) => Response | Promise<Response>>> = {
    '/': (c) => c.html(page, 200, pageHeaders),
    '/status': (c) => c.json(source.status()),
    '/healthz': (c) => c.json({ ok: true }),
    '/readyz': (c) => {
      const ready = source.ready()
      return c.json(ready, ready.ok ? 200 : 503)
    },
    '/metrics': async (c) => {
      const { contentType, body } = await source.metrics()
      return c.body(body, 200, { 'Content-Type': contentType })
    },
    '/offsets': (c) => {
      const asked = parseOffsetsQuery(c.req.query())
      if ('error' in asked) return refuse(c, 400, asked.error)
      const found = source.offsets(asked.topic, asked.partition, asked.offset)
      return found.kind === 'known' ? c.json(found.value) : refuse(c, 404, found.error)
    },
    '/events': (c) =>
      events.full
        ? refuse(c, 503, 'too many subscribers to /events; poll /status instead')
        : c.body(events.open(), 200, { 'Content-Type': 'text/event-stream' }),
  }
  for (const [path, handler] of Object.entries(pages)) {
    app.get(path, handler)
    app.all(path, (c) => wrongMethod(c, 'GET'))
  }

  for (const name of commandNames) {
    app.post(`/${name}`, async (c) => {
      const header = (key: string): string | undefined => c.req.header(key)
      const site = { origin: header('origin'), fetchSite: header('sec-fetch-site') }
      if (!isSameSite({ ...site, host: header('host') })) {
        return refuse(c, 403, 'a command may not come from a web page of another site')
      }
      if (token !== null && !tokenMatches(token, header('authorization'))) {
        c.header('WWW-Authenticate', 'Bearer')
        return refuse(c, 401, 'send the token of admin.token as "Authorization: Bearer TOKEN"')
      }
      const text = await readBody(c.req.raw.body)
      if (text === undefined) {
        return refuse(c, 413, `the body is larger than ${bodyBytesMax} bytes`)
      }
      const body = parseCommandBody(name, text)
      if ('error' in body) return refuse(c, 400, body.error)
      const result = await source.command(name, body.value)
      if (result.kind === 'refused') return refuse(c, 409, result.error, result.allowed)
      return c.json(source.status(), 202)
    })
    app.all(`/${name}`, (c) => wrongMethod(c, 'POST'))
  }

  const wrongMethod = (c: Context, method: string): Response => {
    c.header('Allow', method)
    return refuse(c, 405, `${c.req.path} takes ${method}, not ${c.req.method}`)
  }

  const routes = [...Object.keys(pages), ...commandNames.map((name) => `/${name}`)].join(' ')
  app.notFound((c) => refuse(c, 404, `no such route; there are ${routes}`))
  app.onError((error, c) => refuse(c, 500, `the sidecar failed to answer: ${error.message}`))
  return app
}
