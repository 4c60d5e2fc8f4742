import { connect, createServer, type Server, type Socket } from 'node:net'

/** Stands between tools and a cluster, and looks for words in the bytes that the tools receive. */
export interface Tee {
  /** The words that were found, each once. */
  readonly found: ReadonlySet<string>
  readonly bytes: number
  close(): Promise<void>
}

export interface TeeOptions {
  /** Where tools connect: `host`, on each of `ports`. */
  readonly host: string
  readonly ports: readonly number[]
  /** Where that leads: the same port there, or `portTowards`. */
  readonly towards: string
  readonly portTowards?: number
  readonly words: readonly string[]
}

export async function openTee(options: TeeOptions): Promise<Tee> {
  const found = new Set<string>()
  const sockets = new Set<Socket>()
  let bytes = 0
  const servers = await Promise.all(
    options.ports.map((port) =>
      listen(options.host, port, (client) => {
        const upstream = connect({ host: options.towards, port: options.portTowards ?? port })
        const look = finder(options.words, found)
        for (const socket of [client, upstream]) {
          sockets.add(socket)
          socket.on('error', () => {})
          socket.on('close', () => sockets.delete(socket))
        }
        upstream.on('data', (chunk) => {
          bytes += chunk.length
          look(chunk)
        })
        client.pipe(upstream).pipe(client)
      }),
    ),
  )
  return {
    found,
    get bytes() {
      return bytes
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    },
  }
}

/** Looks into a stream, also across the places where it happens to be cut. */
function finder(words: readonly string[], found: Set<string>): (chunk: Buffer) => void {
  const longest = Math.max(...words.map((word) => word.length))
  let tail = Buffer.alloc(0)
  return (chunk) => {
    const window = Buffer.concat([tail, chunk])
    for (const word of words) if (window.includes(word)) found.add(word)
    tail = window.subarray(Math.max(0, window.length - longest + 1))
  }
}

function listen(host: string, port: number, accept: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(accept)
    server.once('error', reject)
    server.listen(port, host, () => resolve(server))
  })
}
