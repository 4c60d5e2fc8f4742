import { once } from 'node:events'
import * as net from 'node:net'
import { Kafka, logLevel, type SASLOptions } from 'kafkajs'
import { afterEach, describe, expect, test } from 'vitest'
import {
  isSaslMechanism,
  localUsers,
  refusalText,
  saslMechanisms,
  saslServer,
  type LocalUsers,
  type SaslServer,
} from '../../src/security/index.ts'

/** A client that we did not write logs in at our half of the mechanisms, in Kafka's frames. */
const servers: net.Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

const int16 = (value: number) => Buffer.from([value >> 8, value & 255])
const int32 = (value: number) => Buffer.from([0, 0, value >> 8, value & 255])
const string = (text: string) => Buffer.concat([int16(text.length), Buffer.from(text)])
const bytes = (token: Buffer) => Buffer.concat([int32(token.length), token])

/** Answers ApiVersions v0-2, SaslHandshake v1 and SaslAuthenticate v0, which is all a login needs. */
function answer(frame: Buffer, login: { server?: SaslServer; user?: string }, users: LocalUsers) {
  const apiKey = frame.readInt16BE(4)
  const body = frame.subarray(14 + Math.max(0, frame.readInt16BE(12)))
  if (apiKey === 18) {
    const apis = [3, 17, 18, 36].map((key) => [key, 0, key === 17 ? 1 : 0].map(int16))
    return Buffer.concat([int16(0), int32(apis.length), ...apis.flat()])
  }
  if (apiKey === 17) {
    const mechanism = body.toString('utf8', 2)
    const known = isSaslMechanism(mechanism)
    if (known) login.server = saslServer(mechanism, users)
    return Buffer.concat([int16(known ? 0 : 33), int32(3), ...saslMechanisms.map(string)])
  }
  if (apiKey !== 36 || login.server === undefined) throw new Error(`unexpected request ${apiKey}`)
  try {
    const step = login.server.next(body.subarray(4))
    if (step.kind === 'done') login.user = step.username
    return Buffer.concat([int16(0), int16(-1), bytes(step.token)])
  } catch {
    const text = refusalText(login.server.mechanism)
    return Buffer.concat([int16(58), string(text), int32(0)])
  }
}

async function broker(users: LocalUsers) {
  const login: { server?: SaslServer; user?: string } = {}
  const server = net.createServer((socket) => {
    let buffered = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      buffered = Buffer.concat([buffered, chunk])
      while (buffered.length >= 4 && buffered.length >= 4 + buffered.readInt32BE(0)) {
        const frame = buffered.subarray(0, 4 + buffered.readInt32BE(0))
        buffered = buffered.subarray(frame.length)
        const body = Buffer.concat([frame.subarray(8, 12), answer(frame, login, users)])
        socket.write(bytes(body))
      }
    })
  })
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { login, address: `127.0.0.1:${address.port}` }
}

const people = [
  { username: 'alice', password: 'alice-secret' },
  { username: 'c,=d', password: 'ßé€ª!' },
]

describe.each(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('kafkajs, %s', (mechanism) => {
  const connect = async (address: string, sasl: SASLOptions) => {
    const client = new Kafka({ brokers: [address], sasl, logLevel: logLevel.NOTHING })
    const admin = client.admin({ retry: { retries: 0 } })
    try {
      await admin.connect()
    } finally {
      await admin.disconnect()
    }
  }

  test.each(people)('is let in: %o', async (person) => {
    const { login, address } = await broker(await localUsers(people))
    await connect(address, { mechanism, ...person })
    expect(login.user).toBe(person.username)
  })

  test.each([
    { username: 'alice', password: 'wrong' },
    { username: 'mallory', password: 'alice-secret' },
  ])('is refused: %o', async (person) => {
    const { login, address } = await broker(await localUsers(people))
    await expect(connect(address, { mechanism, ...person })).rejects.toThrow(
      /Authentication failed during authentication due to invalid credentials/,
    )
    expect(login.user).toBeUndefined()
  })
})
