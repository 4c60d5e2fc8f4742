import { connect, createServer, type Server, type Socket } from 'node:net'

const produceKey = 0
const lengthBytes = 4

/**
 * Stands on the wire between two that speak Kafka, and knows the answers to Produce: it can lose them with
 * their connection, or keep them back, and it can be shut.
 */
export interface Gate {
  /** Answers that were lost, or are kept back. */
  readonly lost: number
  readonly kept: number
  /** The next answers to Produce, so many, are lost, each with its connection. */
  lose(count: number): void
  /** Answers to Produce, and what comes behind them, wait until the gate passes them. */
  keep(): void
  /** Everything passes; what was kept goes first. */
  pass(): void
  /** Cuts every connection and refuses new ones, at once or each when its next answer to Produce is lost. */
  shut(options?: { readonly withLoss: boolean }): void
  /** Of those that were connected when the gate was being shut with loss. */
  readonly open: number
  close(): Promise<void>
}

export interface GateOptions {
  /** Where one connects: `host`, on each of `ports`; it leads to the same port at `towards`. */
  readonly host: string
  readonly ports: readonly number[]
  readonly towards: string
}

type Mode = 'pass' | 'keep' | 'shut'

export async function openGate({ host, ports, towards }: GateOptions): Promise<Gate> {
  const lines = new Set<Line>()
  let mode: Mode = 'pass'
  let toLose = 0
  let lost = 0
  /** @returns what becomes of an answer to Produce */
  const judge = (): 'pass' | 'keep' | 'lose' => {
    if (toLose > 0) {
      toLose--
      lost++
      return 'lose'
    }
    return mode === 'keep' ? 'keep' : 'pass'
  }
  const accept = (port: number) => (client: Socket) => {
    if (mode === 'shut') return client.destroy()
    const line = new Line(client, connect({ host: towards, port }), judge)
    lines.add(line)
    client.once('close', () => lines.delete(line))
    return undefined
  }
  const servers = await Promise.all(ports.map((port) => listen(host, port, accept(port))))
  return {
    get lost() {
      return lost
    },
    get kept() {
      return [...lines].filter((line) => line.isKept).length
    },
    get open() {
      return lines.size
    },
    lose(count) {
      toLose = count
    },
    keep() {
      mode = 'keep'
    },
    pass() {
      mode = 'pass'
      toLose = 0
      for (const line of lines) line.release()
    },
    shut({ withLoss } = { withLoss: false }) {
      mode = 'shut'
      if (withLoss) toLose = Infinity
      else for (const line of lines) line.cut()
    },
    async close() {
      for (const line of lines) line.cut()
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    },
  }
}

/** One connection through the gate. */
class Line {
  readonly #client: Socket
  readonly #upstream: Socket
  readonly #produces = new Set<number>()
  #kept: Buffer[] | undefined

  constructor(client: Socket, upstream: Socket, judge: () => 'pass' | 'keep' | 'lose') {
    this.#client = client
    this.#upstream = upstream
    for (const socket of [client, upstream]) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => this.cut())
    }
    client.on(
      'data',
      frames((frame) => {
        if (frame.readInt16BE(lengthBytes) === produceKey)
          this.#produces.add(frame.readInt32BE(lengthBytes + 4))
        upstream.write(frame)
      }),
    )
    upstream.on(
      'data',
      frames((frame) => {
        const verdict = this.#produces.delete(frame.readInt32BE(lengthBytes)) ? judge() : 'pass'
        if (verdict === 'lose') return this.cut()
        if (verdict === 'keep') this.#kept ??= []
        if (this.#kept === undefined) client.write(frame)
        else this.#kept.push(frame)
      }),
    )
  }

  get isKept(): boolean {
    return this.#kept !== undefined
  }

  release(): void {
    for (const frame of this.#kept ?? []) this.#client.write(frame)
    this.#kept = undefined
  }

  cut(): void {
    this.#client.destroy()
    this.#upstream.destroy()
  }
}

/** Puts the frames of a stream together. */
function frames(take: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= lengthBytes) {
      const end = lengthBytes + rest.readInt32BE(0)
      if (rest.length < end) return
      const frame = rest.subarray(0, end)
      rest = rest.subarray(end)
      take(frame)
    }
  }
}

function listen(host: string, port: number, accept: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(accept)
    server.once('error', reject)
    server.listen(port, host, () => resolve(server))
  })
}
