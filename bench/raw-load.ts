import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { errorName } from '../src/protocol/index.ts'
import {
  correlationIdOffset,
  fetchFrame,
  KafkaConnection,
  producedErrorCode,
  produceFrame,
} from './kafka.ts'

/**
 * Load without a client library, fast enough to warm a proxy up and to wear it out: bytes in both
 * directions, and connections that end in every way.
 */

export interface ChurnCounts {
  opened: number
  failed: number
}

const churnAtOnce = 40
/** A local port is free again only after a minute, and one address has 28,000. */
const sourceAddresses = 50
const silenceMs = 5

/** How a connection goes: what it does, and how it ends. Each in turn. */
const lives: readonly ((kafka: KafkaConnection) => Promise<void>)[] = [
  async function asClientsDo(kafka) {
    await kafka.greet()
    kafka.socket.end()
  },
  async function cutInItsFirstFrame(kafka) {
    kafka.socket.write(bigFrame.subarray(0, 7))
    await sleep(silenceMs)
    kafka.socket.destroy()
  },
  async function saysNothing(kafka) {
    await sleep(silenceMs)
    kafka.socket.destroy()
  },
  async function reset(kafka) {
    await kafka.greet()
    kafka.socket.resetAndDestroy()
  },
  async function cutWhileItsFrameStreams(kafka) {
    await kafka.greet()
    kafka.socket.write(bigFrame.subarray(0, 100_000))
    await sleep(silenceMs)
    kafka.socket.resetAndDestroy()
  },
]
/** Never sent to its end. */
const bigFrame = produceFrame('leak-produce', 0, 1_000_000)

/** Opens and closes `count` connections. */
export async function churn(port: number, count: number, counts: ChurnCounts): Promise<void> {
  let started = 0
  const worker = async (): Promise<void> => {
    while (started < count) {
      const number = started++
      try {
        const kafka = await KafkaConnection.open(port, `127.0.0.${2 + (number % sourceAddresses)}`)
        const closed = once(kafka.socket, 'close')
        await lives[number % lives.length]?.(kafka)
        await closed
      } catch {
        counts.failed++
      }
      counts.opened++
    }
  }
  await Promise.all(Array.from({ length: churnAtOnce }, worker))
}

/** Sends `frame` again and again, one in flight; `take` gets the head and the size of each answer. */
async function repeat(
  port: number,
  frame: Buffer,
  take: (head: Buffer, size: number) => 'again' | 'enough',
): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  await once(socket, 'connect')
  let correlationId = 0
  const send = (): void => {
    frame.writeInt32BE(++correlationId, correlationIdOffset)
    socket.write(frame)
  }
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the connection was closed amid the load')))
    onAnswers(socket, (head, size) => {
      try {
        if (head.readInt32BE(4) !== correlationId) throw new Error('an answer out of turn')
        if (take(head, size) === 'again') send()
        else resolve()
      } catch (err) {
        reject(err instanceof Error ? err : new Error(String(err)))
      }
    })
    send()
  })
  socket.destroy()
}

const headBytes = 128

/** Keeps the head of each answer only: megabytes are counted, not gathered. */
function onAnswers(socket: Socket, take: (head: Buffer, size: number) => void): void {
  let head: Buffer = Buffer.alloc(0)
  let got = 0
  let size = 0
  socket.on('data', (chunk: Buffer) => {
    let rest = chunk
    while (rest.length > 0) {
      if (head.length < headBytes) head = Buffer.concat([head, rest.subarray(0, headBytes)])
      if (size === 0 && head.length >= 4) size = head.readInt32BE(0) + 4
      const mine = size === 0 ? rest.length : Math.min(rest.length, size - got)
      got += mine
      rest = rest.subarray(mine)
      if (got !== size) continue
      const whole = head
      head = Buffer.alloc(0)
      got = size = 0
      take(whole, whole.readInt32BE(0) + 4)
    }
  })
}

/** What `fillTopic` writes, and what a Fetch takes of it. */
const fillRecordBytes = 1_000_000
const fillRecords = 64
const fetchBytesMax = 8_000_000
const producersAtOnce = 2
const fetchersAtOnce = 2

function produced(topic: string, answer: Buffer): void {
  const errorCode = producedErrorCode(answer, topic)
  if (errorCode !== 0) throw new Error(`Produce: ${errorName(errorCode)}`)
}

/** Something to fetch from offset 0 on. */
export async function fillTopic(port: number, topic: string): Promise<void> {
  let count = 0
  await repeat(port, produceFrame(topic, 0, fillRecordBytes), (head) => {
    produced(topic, head)
    return ++count < fillRecords ? 'again' : 'enough'
  })
}

export interface Move {
  readonly port: number
  /** Where to; its retention bounds the disk. */
  readonly produceTopic: string
  readonly partitions: number
  /** Where from, again and again; see `fillTopic`. */
  readonly fetchTopic: string
  readonly recordBytes: number
  /** In all, half of it in each direction. */
  readonly bytes: number
}

/** Produces one record a request, fetches some megabytes at a time. `moved` counts while it goes on. */
export async function move(of: Move, moved: { bytes: number }): Promise<void> {
  const half = (): ((size: number) => 'again' | 'enough') => {
    let done = 0
    return (size) => {
      moved.bytes += size
      return (done += size) < of.bytes / 2 ? 'again' : 'enough'
    }
  }
  const countProduced = half()
  const countFetched = half()
  const producers = Array.from({ length: producersAtOnce }, (_, i) =>
    repeat(of.port, produceFrame(of.produceTopic, i % of.partitions, of.recordBytes), (head) => {
      produced(of.produceTopic, head)
      return countProduced(of.recordBytes)
    }),
  )
  const fetchers = Array.from({ length: fetchersAtOnce }, () =>
    repeat(of.port, fetchFrame(of.fetchTopic, 0, fetchBytesMax), (_head, size) => {
      if (size < fillRecordBytes) throw new Error(`Fetch answered ${size} bytes`)
      return countFetched(size)
    }),
  )
  await Promise.all([...producers, ...fetchers])
}
