import { once } from 'node:events'
import * as net from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { BufferPool, readBufferSizes } from '../../src/proxy/buffers.ts'
import { Connection, type ConnectionHandler } from '../../src/proxy/connection.ts'
import { connectTransport } from '../../src/proxy/transport.ts'
import { until } from '../kafka/ports.ts'

/** Two connections between which bytes flow, and the far end of each. */
const servers: net.Server[] = []
const sockets: net.Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

const nothing: ConnectionHandler = {
  connected: () => undefined,
  received: (_buffer, _start, end) => end,
  ended: () => undefined,
  closed: () => undefined,
}

/** A connection, and the socket at its other end, which does not read yet. */
async function openPair(
  pool: BufferPool,
  handler: ConnectionHandler,
): Promise<{ connection: Connection; far: net.Socket }> {
  const server = net.createServer({ pauseOnConnect: true })
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const accepted = once(server, 'connection') as Promise<[net.Socket]>
  const connection = new Connection(pool, handler).attach((owner) =>
    connectTransport({ host: '127.0.0.1', port: address.port }, undefined, owner),
  )
  const [far] = await accepted
  far.on('error', () => undefined)
  sockets.push(far)
  return { connection, far }
}

const patternAt = (i: number): number => (i * 31 + (i >> 8) * 7) & 0xff
function pattern(length: number): Buffer {
  const bytes = Buffer.allocUnsafe(length)
  for (let i = 0; i < length; i++) bytes[i] = patternAt(i)
  return bytes
}

/** A source whose bytes go to a target that does not take them all. */
async function holdUp(pool: BufferPool) {
  const target = await openPair(pool, nothing)
  let passedOn = 0
  const source = await openPair(pool, {
    ...nothing,
    received(buffer, start, end) {
      passedOn += end - start
      target.connection.write(buffer.subarray(start, end), source.connection)
      return end
    },
  })
  source.far.write(pattern(64 * 2 ** 20))
  expect(await until(() => source.connection.stopped, 5_000, 5)).toBe(true)
  return { source, target, passedOn: () => passedOn }
}

describe('a connection whose bytes another one does not take', () => {
  test('stops reading, and goes on when they are taken', async () => {
    const pool = new BufferPool(2 ** 24)
    const { source, target, passedOn } = await holdUp(pool)
    const stoppedAt = passedOn()
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(passedOn()).toBe(stoppedAt)
    expect(pool.bytesInUse).toBeLessThanOrEqual(
      2 * (readBufferSizes.busy + readBufferSizes.warm + 96),
    )
    let taken = 0
    let isRight = true
    target.far.on('data', (chunk: Buffer) => {
      for (const byte of chunk) if (byte !== patternAt(taken++)) isRight = false
    })
    target.far.resume()
    expect(await until(() => taken === 64 * 2 ** 20, 20_000, 10)).toBe(true)
    expect(isRight).toBe(true)
    source.connection.destroy()
    target.connection.destroy()
    expect(await until(() => pool.bytesInUse === 0, 2_000, 5)).toBe(true)
  })

  test('closes, and nobody else gets the buffers that its bytes still lie in', async () => {
    const pool = new BufferPool(2 ** 26)
    const { source, target, passedOn } = await holdUp(pool)
    // A second one comes when nothing is taken any more: already its first, small buffer is kept.
    const before = passedOn()
    let after = 0
    const second = await openPair(pool, {
      ...nothing,
      received(buffer, start, end) {
        after += end - start
        target.connection.write(buffer.subarray(start, end), second.connection)
        return end
      },
    })
    second.far.write(Buffer.alloc(2 ** 20, 0x11))
    expect(await until(() => second.connection.stopped, 2_000, 5)).toBe(true)
    for (const { connection } of [source, second]) connection.destroy()
    expect(await until(() => second.connection.closed && source.connection.closed, 2_000, 5)).toBe(
      true,
    )
    // Another connection takes every buffer that is free, and reads something else into them.
    for (const size of Object.values(readBufferSizes)) {
      for (let i = 0; i < 8; i++) pool.acquire(size)?.fill(0xee)
    }
    let taken = 0
    let wrong = 0
    target.far.on('data', (chunk: Buffer) => {
      for (const byte of chunk) {
        if (byte !== (taken < before ? patternAt(taken) : 0x11)) wrong++
        taken++
      }
    })
    target.far.resume()
    expect(await until(() => taken === before + after, 5_000, 5)).toBe(true)
    expect(wrong).toBe(0)
    target.connection.destroy()
  })

  test('is released when the other one closes', async () => {
    const pool = new BufferPool(2 ** 24)
    const { source, target } = await holdUp(pool)
    target.connection.destroy()
    expect(await until(() => !source.connection.stopped, 2_000, 5)).toBe(true)
    source.connection.destroy()
    expect(await until(() => pool.bytesInUse === 0, 2_000, 5)).toBe(true)
  })
})
