import { randomInt } from 'node:crypto'
import { createServer, connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Below the range from which operating systems take the local ports of outgoing connections. A broker
 * that is restarted needs its port back, and a port out of that range may by then belong to the
 * connection of a client.
 */
const portMin = 12_000
const portMax = 32_000
const handedOut = new Set<number>()

/** @returns loopback ports that are free now and that this process has not handed out before */
export async function freePorts(count: number, host = '127.0.0.1'): Promise<number[]> {
  const ports: number[] = []
  while (ports.length < count) {
    const port = randomInt(portMin, portMax)
    if (handedOut.has(port)) continue
    handedOut.add(port)
    if (await canBind(port, host)) ports.push(port)
  }
  return ports
}

/** @returns the first of `count` free ports in a row, as a listener with virtual brokers needs them */
export async function freePortRow(count: number, host = '127.0.0.1'): Promise<number> {
  for (;;) {
    const first = randomInt(portMin, portMax - count)
    const row = Array.from({ length: count }, (_, i) => first + i)
    if (row.some((port) => handedOut.has(port))) continue
    const free = await Promise.all(row.map((port) => canBind(port, host)))
    if (!free.every(Boolean)) continue
    for (const port of row) handedOut.add(port)
    return first
  }
}

function canBind(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}

/** @returns whether somebody accepts connections there */
export function isOpen(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** Polls until `condition` holds. @returns whether it did before the time was over */
export async function until(
  condition: () => Promise<boolean> | boolean,
  timeoutMs: number,
  intervalMs = 100,
): Promise<boolean> {
  const end = performance.now() + timeoutMs
  for (;;) {
    if (await condition()) return true
    if (performance.now() > end) return false
    await sleep(intervalMs)
  }
}
