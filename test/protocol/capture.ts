import { writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { apiByKey, apiName, decodeRequestHeader } from '../../src/protocol/index.ts'

/**
 * A TCP tee between a real client and a real broker that writes golden bytes:
 *
 *     npx node test/protocol/capture.ts LISTEN_PORT BROKER_PORT OUT_FILE 'client x, broker y'
 *
 * The broker must advertise LISTEN_PORT on 127.0.0.1. Ends, and writes, on SIGINT or SIGTERM. Of
 * each API and version it keeps the first exchanges that differ in size, as lines of
 * `name version request|response hex`; a frame is without its length. Nothing here relies on our
 * own codec, but for the correlation of a response with its request.
 */
const [listenPort, brokerPort, out, provenance] = process.argv.slice(2)
if (out === undefined || provenance === undefined) throw new Error('see the comment of this file')

const exchangesPerVersionMax = 4
const frameBytesMax = 4096
const lengthBytes = 4

interface Exchange {
  readonly api: string
  readonly key: number
  readonly version: number
  readonly request: Buffer
  readonly response: Buffer
}
const exchanges: Exchange[] = []

function keep(request: Buffer, response: Buffer): void {
  const { apiKey: key, apiVersion: version } = decodeRequestHeader(request, 0)
  if (apiByKey(key) === undefined) return
  if (Math.max(request.length, response.length) > frameBytesMax) return
  const same = exchanges.filter((other) => other.key === key && other.version === version)
  if (same.length >= exchangesPerVersionMax) return
  const sizes = (exchange: { request: Buffer; response: Buffer }): string =>
    `${exchange.request.length} ${exchange.response.length}`
  if (same.some((other) => sizes(other) === sizes({ request, response }))) return
  exchanges.push({ api: apiName(key), key, version, request, response })
}

/** Calls `onFrame` for each whole frame, without its length. */
function frames(socket: Socket, onFrame: (frame: Buffer) => void): void {
  let rest = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= lengthBytes && rest.length >= lengthBytes + rest.readInt32BE()) {
      const end = lengthBytes + rest.readInt32BE()
      onFrame(Buffer.from(rest.subarray(lengthBytes, end)))
      rest = Buffer.from(rest.subarray(end))
    }
  })
}

const server = createServer((client) => {
  const broker = connect(Number(brokerPort), '127.0.0.1')
  const waiting = new Map<number, Buffer>()
  frames(client, (frame) => waiting.set(frame.readInt32BE(4), frame))
  frames(broker, (frame) => {
    const request = waiting.get(frame.readInt32BE())
    waiting.delete(frame.readInt32BE())
    if (request !== undefined) keep(request, frame)
  })
  client.pipe(broker)
  broker.pipe(client)
  client.on('error', () => broker.destroy())
  broker.on('error', () => client.destroy())
})
server.listen(Number(listenPort), '127.0.0.1')

function write(): void {
  const lines = exchanges
    .toSorted((a, b) => a.key - b.key || a.version - b.version)
    .flatMap(({ api, version, request, response }) => [
      `${api} ${version} request ${request.toString('hex')}`,
      `${api} ${version} response ${response.toString('hex')}`,
    ])
  writeFileSync(String(out), `# ${provenance}\n${lines.join('\n')}\n`)
  process.exit(0)
}
process.on('SIGINT', write)
process.on('SIGTERM', write)
