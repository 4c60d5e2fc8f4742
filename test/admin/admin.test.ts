import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startAdmin, type Admin, type AdminLimits } from '../../src/admin/index.ts'
import { aStatus, FakeSource } from './fake-source.ts'
import { json, send } from './http.ts'

let source: FakeSource
const running: Admin[] = []

beforeEach(() => {
  source = new FakeSource()
})

afterEach(async () => {
  await Promise.all(running.splice(0).map((admin) => admin.close()))
})

async function start(token: string | null = null, limits: Partial<AdminLimits> = {}) {
  const admin = await startAdmin({ host: '127.0.0.1', port: 0, token, source, limits })
  running.push(admin)
  return admin.port
}

describe('reading', () => {
  it('shows the status as it is', async () => {
    const reply = await send(await start(), 'GET', '/status')
    expect(reply.status).toBe(200)
    expect(reply.headers['content-type']).toBe('application/json')
    expect(json(reply)).toEqual(aStatus)
  })

  it('is alive, and ready when the sidecar is', async () => {
    const port = await start()
    expect((await send(port, 'GET', '/healthz')).status).toBe(200)
    expect((await send(port, 'GET', '/readyz')).status).toBe(200)
    source.readiness = { ok: false, reason: 'no source broker answers' }
    const reply = await send(port, 'GET', '/readyz')
    expect(reply.status).toBe(503)
    expect(json(reply)).toEqual({ ok: false, reason: 'no source broker answers' })
  })

  it('passes the metrics on with their type', async () => {
    const reply = await send(await start(), 'GET', '/metrics')
    expect(reply.headers['content-type']).toBe('text/plain; version=0.0.4')
    expect(reply.body).toBe('x 1\n')
  })

  it('serves a page that can load and run nothing but itself', async () => {
    const reply = await send(await start(), 'GET', '/')
    expect(reply.headers['content-type']).toMatch(/^text\/html/)
    const policy = String(reply.headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('unsafe')
    expect(reply.body).not.toMatch(/(src|href)="(?!data:,)/)
  })
})

describe('offsets', () => {
  const orders = { topic: 'orders', partition: 1, offset: 7 }

  it('are asked for by topic, partition and offset', async () => {
    const value = { ...orders, source: null, target: { ...orders, offset: 3 } }
    source.found = { kind: 'known', value }
    const reply = await send(await start(), 'GET', '/offsets?topic=orders&partition=1&offset=7')
    expect(reply.status).toBe(200)
    expect(json(reply)).toEqual(value)
    expect(source.asked).toEqual([{ ...orders, offset: 7n }])
  })

  it('of a topic that is not known are 404, with the reason', async () => {
    source.found = { kind: 'unknown', error: 'topic orders is not in the plan' }
    const reply = await send(await start(), 'GET', '/offsets?topic=orders&partition=1&offset=7')
    expect(reply.status).toBe(404)
    expect(json(reply)).toMatchObject({ error: 'topic orders is not in the plan' })
  })

  it.each([
    ['', '/offsets takes ?topic=NAME&partition=N&offset=N'],
    ['?topic=a&partition=-1&offset=0', 'partition: got "-1"; allowed: a number from 0'],
    ['?topic=a&partition=0&offset=x', 'offset: got "x"; allowed: 0 to 9007199254740991'],
    ['?topic=a&partition=0&offset=9007199254740992', 'got "9007199254740992"; allowed: 0 to'],
  ])('%s is 400', async (query, error) => {
    const reply = await send(await start(), 'GET', `/offsets${query}`)
    expect(reply.status).toBe(400)
    expect(reply.body).toContain(JSON.stringify(error).slice(1, -1))
    expect(source.asked).toEqual([])
  })
})

describe('commands', () => {
  it('passes each on and answers 202 with the status', async () => {
    const port = await start()
    expect((await send(port, 'POST', '/cutover')).status).toBe(202)
    await send(port, 'POST', '/cutover', {}, '{"dormant":"leave"}')
    await send(port, 'POST', '/rollback', {}, '{}')
    await send(port, 'POST', '/abort')
    await send(port, 'POST', '/forget', {}, '{"sidecar":"app-2"}')
    const reply = await send(port, 'POST', '/forget', {}, '{"group":"billing"}')
    expect(json(reply)).toEqual(aStatus)
    expect(source.commands).toEqual([
      { name: 'cutover' },
      { name: 'cutover', dormant: 'leave' },
      { name: 'rollback' },
      { name: 'abort' },
      { name: 'forget', sidecar: 'app-2' },
      { name: 'forget', group: 'billing' },
    ])
  })

  it('answers 409 with the reason, the phase, its direction and what is allowed', async () => {
    source.result = { kind: 'refused', error: 'there is no target', allowed: ['forget'] }
    const reply = await send(await start(), 'POST', '/cutover')
    expect(reply.status).toBe(409)
    expect(json(reply)).toEqual({
      error: 'there is no target',
      phase: 'source',
      direction: 'forward',
      allowed: ['forget'],
    })
  })

  it.each([
    ['/cutover', '{', 'the body is not a JSON object'],
    ['/cutover', '[]', 'the body is not a JSON object'],
    ['/cutover', '{"dormant":"sleep"}', '"dormant" is "wait" or "leave"'],
    ['/cutover', '{"force":true}', '/cutover takes { "dormant" }'],
    ['/abort', '{"now":true}', '/abort takes no body'],
    ['/forget', '', '/forget takes { "sidecar": NAME } or { "group": NAME }'],
    ['/forget', '{"group":""}', '/forget takes { "sidecar": NAME } or { "group": NAME }'],
    [
      '/forget',
      '{"group":"a","sidecar":"b"}',
      '/forget takes { "sidecar": NAME } or { "group": NAME }',
    ],
  ])('POST %s with %s is 400: %s', async (path, body, error) => {
    const reply = await send(await start(), 'POST', path, {}, body)
    expect(reply.status).toBe(400)
    expect(json(reply)).toMatchObject({ error, phase: 'source', allowed: ['cutover'] })
    expect(source.commands).toEqual([])
  })

  it('reads no more than 64 KiB, whether the length is announced or not', async () => {
    const port = await start()
    const fits = `{"dormant":"wait"${' '.repeat(65_536 - 18)}}`
    expect((await send(port, 'POST', '/cutover', {}, fits)).status).toBe(202)
    const large = `${fits} `
    expect((await send(port, 'POST', '/cutover', {}, large)).status).toBe(413)
    const chunked = await send(port, 'POST', '/cutover', { 'Transfer-Encoding': 'chunked' }, large)
    expect(chunked.status).toBe(413)
    expect(json(chunked)).toMatchObject({ error: 'the body is larger than 65536 bytes' })
    expect(source.commands).toHaveLength(1)
  })

  it('answers 404 and 405 as JSON', async () => {
    const port = await start()
    const nowhere = await send(port, 'GET', '/statsu')
    expect(nowhere.status).toBe(404)
    expect(json(nowhere)).toMatchObject({ phase: 'source', allowed: ['cutover'] })
    const get = await send(port, 'GET', '/cutover')
    expect([get.status, get.headers.allow]).toEqual([405, 'POST'])
    expect(json(get)).toMatchObject({ error: '/cutover takes POST, not GET' })
    const post = await send(port, 'POST', '/status')
    expect([post.status, post.headers.allow]).toEqual([405, 'GET'])
    expect(source.commands).toEqual([])
  })

  it('answers 500 as JSON when the sidecar throws', async () => {
    const port = await start()
    Object.assign(source, { command: () => Promise.reject(new Error('no journal')) })
    const reply = await send(port, 'POST', '/cutover')
    expect(reply.status).toBe(500)
    expect(json(reply)).toMatchObject({ error: 'the sidecar failed to answer: no journal' })
  })
})

describe('with a token', () => {
  const token = 'correct-horse'

  it('wants it for every command, and for nothing else', async () => {
    const port = await start(token)
    for (const path of ['/cutover', '/rollback', '/abort', '/forget']) {
      for (const authorization of [undefined, '', 'Bearer', 'Bearer wrong', `Basic ${token}`]) {
        const headers = authorization === undefined ? {} : { Authorization: authorization }
        const reply = await send(port, 'POST', path, headers)
        expect(reply.status).toBe(401)
        expect(json(reply)).toMatchObject({ phase: 'source', allowed: ['cutover'] })
      }
    }
    expect(source.commands).toEqual([])
    expect((await send(port, 'GET', '/status')).status).toBe(200)
    const authorized = await send(port, 'POST', '/abort', { Authorization: `Bearer ${token}` })
    expect(authorized.status).toBe(202)
  })

  it('does not mind by which name it is reached', async () => {
    const headers = { Host: 'kafka-cutover.prod.svc:9600', Authorization: `Bearer ${token}` }
    expect((await send(await start(token), 'POST', '/abort', headers)).status).toBe(202)
  })
})

describe('web pages of other sites', () => {
  it.each([
    { Origin: 'http://evil.example' },
    { Origin: 'null' },
    { Origin: 'http://127.0.0.1:1' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
  ])('cannot send a command: %o', async (headers) => {
    const reply = await send(await start(), 'POST', '/cutover', { ...headers })
    expect(reply.status).toBe(403)
    expect(source.commands).toEqual([])
  })

  it('cannot even read under a name of their own (DNS rebinding)', async () => {
    const port = await start()
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:9600']) {
      expect((await send(port, 'GET', '/status', { Host: host })).status).toBe(403)
      expect((await send(port, 'POST', '/cutover', { Host: host })).status).toBe(403)
    }
    expect(source.commands).toEqual([])
  })

  it('but the page of this server can', async () => {
    const port = await start()
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, '[::1]:9600', '10.1.2.3:9600']) {
      const headers = { Host: host, Origin: `http://${host}`, 'Sec-Fetch-Site': 'same-origin' }
      expect((await send(port, 'POST', '/cutover', headers)).status).toBe(202)
    }
  })
})

describe('GET /events', () => {
  /** Opens a stream and collects its text. */
  async function listen(port: number) {
    const aborter = new AbortController()
    const response = await fetch(`http://127.0.0.1:${port}/events`, { signal: aborter.signal })
    let received = ''
    const ended = (async () => {
      try {
        for await (const chunk of response.body ?? []) received += Buffer.from(chunk).toString()
      } catch {
        // Aborted by the test, or closed by the server.
      }
    })()
    return { response, ended, text: () => received, close: () => aborter.abort() }
  }

  async function until(condition: () => boolean): Promise<void> {
    for (let i = 0; i < 300 && !condition(); i++) await delay(10)
    expect(condition()).toBe(true)
  }

  const transition = {
    kind: 'transition',
    time: '2026-01-02T03:04:05.678Z',
    from: 'source',
    to: 'fenced',
    direction: 'forward',
    reason: 'cutover by POST',
  } as const

  it('begins with the status and goes on with every transition', async () => {
    const stream = await listen(await start())
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream')
    await until(() => stream.text().endsWith('\n\n'))
    expect(stream.text()).toBe(`event: status\ndata: ${JSON.stringify(aStatus)}\n\n`)
    source.tell(transition)
    await until(() => stream.text().includes('transition'))
    const { kind, ...data } = transition
    expect(stream.text()).toContain(`event: ${kind}\ndata: ${JSON.stringify(data)}\n\n`)
    stream.close()
  })

  it('sends heartbeats, as comments', async () => {
    const stream = await listen(await start(null, { heartbeatMs: 20 }))
    await until(() => stream.text().includes('\n\n: still here\n\n'))
    stream.close()
  })

  it('forgets a subscriber that went away', async () => {
    const stream = await listen(await start())
    await until(() => source.subscribers === 1)
    stream.close()
    await until(() => source.subscribers === 0)
  })

  it('takes a bounded number of subscribers', async () => {
    const port = await start(null, { subscribersMax: 2 })
    const streams = [await listen(port), await listen(port)]
    const refused = await send(port, 'GET', '/events')
    expect(refused.status).toBe(503)
    expect(json(refused)).toMatchObject({ phase: 'source' })
    streams[0]?.close()
    await until(() => source.subscribers === 1)
    streams.push(await listen(port))
    for (const stream of streams) stream.close()
  })

  it('lets a subscriber go that does not read', async () => {
    const port = await start(null, { queuedEventsMax: 10 })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await until(() => source.subscribers === 1)
    socket.pause()
    const long = { ...transition, reason: 'x'.repeat(100_000) }
    for (let i = 0; i < 1_000 && source.subscribers > 0; i++) {
      source.tell(long)
      await delay(1)
    }
    expect(source.subscribers).toBe(0)
    socket.destroy()
  })

  it('ends when the server closes', async () => {
    const port = await start()
    const stream = await listen(port)
    await running.splice(0)[0]?.close()
    await stream.ended
    expect(source.subscribers).toBe(0)
  })
})

describe('bounds', () => {
  it('closes a connection that does not finish its headers', async () => {
    const port = await start(null, { headerTimeoutMs: 200 })
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /status HTTP/1.1\r\nHost: loc')
    const begun = performance.now()
    await new Promise((resolve) => socket.resume().on('close', resolve))
    expect(performance.now() - begun).toBeLessThan(3_000)
  })

  it('closes a connection that does not finish its body', async () => {
    const port = await start(null, { requestTimeoutMs: 200, headerTimeoutMs: 200 })
    const socket = connect(port, '127.0.0.1')
    socket.write('POST /cutover HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n{')
    const begun = performance.now()
    await new Promise((resolve) => socket.resume().on('close', resolve))
    expect(performance.now() - begun).toBeLessThan(3_000)
    expect(source.commands).toEqual([])
  })

  it('takes a bounded number of connections', async () => {
    const port = await start(null, { connectionsMax: 2 })
    const sockets = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
    for (const socket of sockets) {
      socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
      await once(socket, 'data')
    }
    await expect(send(port, 'GET', '/healthz')).rejects.toMatchObject({ code: 'ECONNRESET' })
    for (const socket of sockets) socket.destroy()
  })

  it('refuses headers above their limit', async () => {
    const reply = await send(await start(), 'GET', '/status', { 'X-Long': 'x'.repeat(20_000) })
    expect(reply.status).toBe(431)
  })

  it('says why it cannot listen', async () => {
    const port = await start()
    const second = startAdmin({ host: '127.0.0.1', port, token: null, source })
    await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})
