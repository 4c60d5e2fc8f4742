import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { apis, decodeRequest, encodeResponse } from '../../src/protocol/index.ts'
import { answerOf, frameOf, type Client } from './client.ts'
import { produce } from './requests.ts'
import { startScripted, stopScripted, type ScriptedRequest } from './scripted.ts'
import { startSidecar, stopSidecars, untilReady } from './sidecar.ts'

afterEach(async () => {
  await stopSidecars()
  await stopScripted()
})

const alice = { username: 'alice', password: 'alice-secret' }
const bob = { username: 'bob', password: 'bob-secret' }

async function logIn(client: Client, { username, password }: typeof alice): Promise<void> {
  await client.ask(apis.saslHandshake, 1, { mechanism: 'PLAIN' })
  const authBytes = Buffer.from(`\0${username}\0${password}`)
  expect((await client.ask(apis.saslAuthenticate, 1, { authBytes })).errorCode).toBe(0)
}

describe('a login that expires (KIP-368)', () => {
  const lifetimeMs = 400

  /** Brokers that want a login, again after its lifetime, and end connections that forget it. */
  async function setUp() {
    const loggedIn = new Map<number, { until: number; user: string; logins: number }>()
    const violations: string[] = []
    const authenticate = (request: ScriptedRequest): void => {
      const { apiVersion, correlationId, connection, frame, bodyOffset } = request
      const { authBytes } = decodeRequest(apis.saslAuthenticate, apiVersion, frame, bodyOffset)
      const [, user = ''] = authBytes.toString().split('\0')
      const logins = (loggedIn.get(connection)?.logins ?? 0) + 1
      loggedIn.set(connection, { until: performance.now() + lifetimeMs, user, logins })
      request.socket.write(
        encodeResponse(apis.saslAuthenticate, apiVersion, correlationId, {
          errorCode: 0,
          errorMessage: null,
          authBytes: Buffer.alloc(0),
          sessionLifetimeMs: BigInt(lifetimeMs),
        }),
      )
    }
    const cluster = await startScripted({
      brokers: 2,
      topics: { orders: 2 },
      script: (request) => {
        const { apiKey, apiVersion, correlationId, connection, socket } = request
        if (apiKey === apis.apiVersions.key) return false
        if (apiKey === apis.saslHandshake.key) {
          const body = { errorCode: 0, mechanisms: ['PLAIN'] }
          socket.write(encodeResponse(apis.saslHandshake, apiVersion, correlationId, body))
          return true
        }
        if (apiKey === apis.saslAuthenticate.key) {
          authenticate(request)
          return true
        }
        const login = loggedIn.get(connection)
        if (login === undefined || performance.now() > login.until) {
          // Without any credentials the sidecar asks in vain until a client brings some.
          if (login !== undefined) violations.push(`API ${apiKey} on connection ${connection}`)
          socket.destroy()
          return true
        }
        if (apiKey !== apis.produce.key) return false
        const part = { index: 0, errorCode: 0, baseOffset: 0n }
        const responses = [{ name: login.user, partitionResponses: [part] }]
        socket.write(encodeResponse(apis.produce, apiVersion, correlationId, { responses }))
        return true
      },
    })
    return { cluster, violations, loggedIn }
  }

  /** The scripted broker names the user of the connection in place of the topic. */
  const produceAs = async (client: Client): Promise<string | undefined> => {
    const { responses } = await client.ask(apis.produce, 9, produce({ 'orders/0': ['v'] }))
    return responses[0]?.name
  }

  test('is renewed before the next request, for each client by its own credentials', async () => {
    const { cluster, violations, loggedIn } = await setUp()
    const sidecar = await startSidecar(cluster.bootstrapServers)
    const clients = [await sidecar.connect(), await sidecar.connect()] as const
    for (const [i, who] of [alice, bob].entries()) await logIn(clients[i as 0 | 1], who)
    const end = performance.now() + 4 * lifetimeMs
    while (performance.now() < end) {
      expect(await produceAs(clients[0])).toBe('alice')
      expect(await produceAs(clients[1])).toBe('bob')
      await sleep(90)
    }
    await sleep(2 * lifetimeMs)
    expect(await produceAs(clients[0])).toBe('alice')
    const logins = [...loggedIn.values()].map((login) => login.logins)
    expect(Math.max(...logins)).toBeGreaterThan(2)
    expect(violations).toEqual([])
    expect(sidecar.seen.failures).toEqual([])
    for (const client of clients) await client.close()
  })

  test('is renewed between requests that come in one piece', async () => {
    const { cluster, violations } = await setUp()
    const sidecar = await startSidecar(cluster.bootstrapServers)
    const client = await sidecar.connect()
    await logIn(client, alice)
    expect(await produceAs(client)).toBe('alice')
    await sleep(2 * lifetimeMs)
    const frames = [0, 1, 2].map(() => frameOf(apis.produce, 9, produce({ 'orders/0': ['v'] })))
    client.write(Buffer.concat(frames))
    for (let i = 0; i < 3; i++) {
      const { responses } = answerOf(apis.produce, 9, await client.next())
      expect(responses[0]?.name).toBe('alice')
    }
    expect(violations).toEqual([])
    await client.close()
  })

  test("and the sidecar's own connection is renewed or opened anew, without a failure", async () => {
    const { cluster } = await setUp()
    const identity = { mechanism: 'PLAIN' as const, ...alice }
    const sidecar = await startSidecar(cluster.bootstrapServers, {
      source: { identity },
      limits: { topologyAgeMsMax: 300 },
    })
    await untilReady(sidecar)
    await sleep(5 * lifetimeMs)
    expect(sidecar.seen.failures).toEqual([])
    expect(sidecar.lines.filter(({ level }) => level === 'warn')).toEqual([])
  })
})
