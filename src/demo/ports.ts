import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below the local ports of outgoing connections, which come and go. */
const portMin = 12_000
const portEnd = 32_000
const triesMax = 100

/** @returns the first of `count` free ports in a row: a bootstrap port and those of its virtual brokers */
export async function freePortRow(count: number, host: string): Promise<number> {
  for (let tries = 0; tries < triesMax; tries++) {
    const first = randomInt(portMin, portEnd - count)
    const row = Array.from({ length: count }, (_, index) => first + index)
    const free = await Promise.all(row.map((port) => canListen(port, host)))
    if (free.every(Boolean)) return first
  }
  throw new Error(`no ${count} free ports in a row between ${portMin} and ${portEnd}: use --listen`)
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}
