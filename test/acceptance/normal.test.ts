import { describe, expect, test } from 'vitest'
import { fetchMetadata, freePorts } from '../kafka/index.ts'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { normalise, withoutNumbers } from './normal.ts'
import { openTee } from './tee.ts'

describe('the outputs of tools', () => {
  const half = (name: string, addresses: readonly string[]) => ({
    addresses,
    names: [[`orders-${name}`, 'TOPIC']] as const,
  })

  test('are equal where they differ in addresses, names, order and time only', () => {
    const direct =
      'Topic: orders-direct\tLeader: 1\n[2026-01-01 10:00:00,123] INFO x\nhost 127.0.0.2:9001\n'
    const through = 'host   127.0.0.4:12001\n\nTopic: orders-through Leader: 1\n'
    expect(normalise(through, half('through', ['127.0.0.4:12001']))).toBe(
      normalise(direct, half('direct', ['127.0.0.2:9001'])),
    )
  })

  test('are equal where JSON lists the same in another order', () => {
    const none = half('direct', [])
    expect(normalise('{"a":[{"b":2},{"b":1}]}', none)).toBe(
      normalise('{"a":[{"b":1},{"b":2}]}', none),
    )
    expect(normalise('{"a":[1]}', none)).not.toBe(normalise('{"a":[2]}', none))
  })

  test('differ where they say different things', () => {
    const none = half('direct', [])
    expect(normalise('Leader: 1', none)).not.toBe(normalise('Leader: 2', none))
    expect(withoutNumbers('30 records, 1.5 MB/s')).toBe('N records, N MB/s')
  })
})

test('a tee finds a word that is cut in two', async () => {
  const [port = 0] = await freePorts(1)
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.write('\0\0\0\x20xx127.0')
    setTimeout(() => socket.end('.0.2'), 50)
  }).listen(port, '127.0.0.1')
  await once(server, 'listening')
  const options = { host: '127.0.0.1', towards: '127.0.0.1', words: ['127.0.0.2', '127.0.0.9'] }
  try {
    // The same port on another address would need Linux: so it is another port here.
    const [teePort = 0] = await freePorts(1)
    const tee = await openTee({ ...options, ports: [teePort], portTowards: port })
    await fetchMetadata('127.0.0.1', teePort, 500)
    await tee.close()
    expect([...tee.found]).toEqual(['127.0.0.2'])
  } finally {
    server.close()
  }
})
