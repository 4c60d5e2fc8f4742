import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { errorName } from '../src/protocol/index.ts'
import { correlationIdOffset, frameReader, producedErrorCode, produceFrame } from './kafka.ts'

/**
 * The small-request client, in a process of its own: connections with one Produce request in flight
 * each. Warms up, says `ready`, waits for a line on standard input, runs, prints a `LoadResult`.
 */
export interface LoadResult {
  readonly requests: number
  readonly seconds: number
  /** Milliseconds from a request to its answer. */
  readonly p50: number
  readonly p99: number
}

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    topic: { type: 'string' },
    partitions: { type: 'string' },
    connections: { type: 'string' },
    seconds: { type: 'string' },
  },
})
const topic = values.topic ?? ''
const valueBytes = 1024
const warmUpMs = 1_000

let phase: 'warming' | 'counting' | 'over' = 'warming'
const latencies: number[] = []

/** Sends the next request when the last one is answered, until it is over. */
function loop(socket: Socket, partition: number): void {
  const frame = produceFrame(topic, partition, valueBytes)
  let correlationId = 0
  let sentAt = 0
  const send = (): void => {
    frame.writeInt32BE(++correlationId, correlationIdOffset)
    sentAt = performance.now()
    socket.write(frame)
  }
  socket.on('error', (err) => fail(`connection: ${err.message}`))
  socket.on('close', () => fail('a connection was closed'))
  socket.on(
    'data',
    frameReader((answer) => {
      if (answer.readInt32BE(4) !== correlationId) fail('an answer to another question')
      const errorCode = producedErrorCode(answer, topic)
      if (errorCode !== 0) fail(`Produce: ${errorName(errorCode)}`)
      if (phase === 'over') return
      if (phase === 'counting') latencies.push(performance.now() - sentAt)
      send()
    }),
  )
  send()
}

function fail(why: string): void {
  if (phase === 'over') return
  console.error(why)
  process.exit(1)
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

for (let i = 0; i < Number(values.connections); i++) {
  const socket = connect({ host: '127.0.0.1', port: Number(values.port), noDelay: true })
  await once(socket, 'connect')
  loop(socket, i % Number(values.partitions))
}
await sleep(warmUpMs)
console.log('ready')
await once(process.stdin, 'data')
phase = 'counting'
const startedAt = performance.now()
await sleep(Number(values.seconds) * 1000)
phase = 'over'
const seconds = (performance.now() - startedAt) / 1000
const sorted = Float64Array.from(latencies).sort()
const quantile = (q: number) => sorted[Math.floor(q * (sorted.length - 1))] ?? Number.NaN
const result: LoadResult = {
  requests: latencies.length,
  seconds,
  p50: quantile(0.5),
  p99: quantile(0.99),
}
console.log(JSON.stringify(result))
process.exit(0)
