import { connect } from 'node:net'

/** What a broker says about its cluster: Metadata v1, which every broker from 0.10 to 4.x answers. */
export interface Metadata {
  readonly brokers: readonly { nodeId: number; host: string; port: number }[]
  readonly controllerId: number
  readonly partitions: readonly {
    topic: string
    partition: number
    leader: number
    replicas: readonly number[]
    isr: readonly number[]
  }[]
}

/** Header v1: api key 3, version 1, correlation id, client id; body: all topics (a null array). */
function request(): Buffer {
  const clientId = Buffer.from('probe')
  const frame = Buffer.alloc(4 + 2 + 2 + 4 + 2 + clientId.length + 4)
  frame.writeInt32BE(frame.length - 4, 0)
  frame.writeInt16BE(3, 4)
  frame.writeInt16BE(1, 6)
  frame.writeInt32BE(1, 8)
  frame.writeInt16BE(clientId.length, 12)
  clientId.copy(frame, 14)
  frame.writeInt32BE(-1, 14 + clientId.length)
  return frame
}

function parse(frame: Buffer): Metadata {
  let at = 8 // size and correlation id
  const int8 = () => frame.readInt8(at++)
  const int16 = () => frame.readInt16BE((at += 2) - 2)
  const int32 = () => frame.readInt32BE((at += 4) - 4)
  const string = () => {
    const length = int16()
    if (length < 0) return ''
    return frame.toString('utf8', at, (at += length))
  }
  const array = <T>(element: () => T): T[] => Array.from({ length: Math.max(int32(), 0) }, element)
  const brokers = array(() => {
    const broker = { nodeId: int32(), host: string(), port: int32() }
    string() // rack
    return broker
  })
  const controllerId = int32()
  const topics = array(() => {
    int16() // error code
    const topic = string()
    int8() // internal
    return array(() => {
      int16() // error code
      const partition = int32()
      const leader = int32()
      return { topic, partition, leader, replicas: array(int32), isr: array(int32) }
    })
  })
  return { brokers, controllerId, partitions: topics.flat() }
}

/**
 * Asks a plaintext listener over a connection of its own.
 * @returns undefined where nobody answers within `timeoutMs`
 */
export function fetchMetadata(
  host: string,
  port: number,
  timeoutMs = 3_000,
): Promise<Metadata | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port })
    const chunks: Buffer[] = []
    const finish = (answer: Metadata | undefined) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(timeoutMs, () => finish(undefined))
    socket.on('error', () => finish(undefined))
    socket.on('close', () => finish(undefined))
    socket.on('connect', () => socket.write(request()))
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      const frame = Buffer.concat(chunks)
      if (frame.length >= 4 && frame.length >= 4 + frame.readInt32BE(0)) finish(parse(frame))
    })
  })
}
