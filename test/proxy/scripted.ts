import { once } from 'node:events'
import * as net from 'node:net'
import * as tls from 'node:tls'
import {
  apis,
  decodeRequestHeader,
  encodeResponse,
  type ResponseInput,
  type RequestHeader,
} from '../../src/protocol/index.ts'

/**
 * Brokers that say what a test has written down: bytes of any kind, at any time. What the script leaves
 * alone is answered as a broker would: ApiVersions and Metadata, so that the sidecar finds its way.
 */
export interface ScriptedRequest extends RequestHeader {
  /** The request without its length. */
  readonly frame: Buffer
  readonly nodeId: number
  readonly socket: net.Socket
  /** Which connection of the cluster it came over, from 1. */
  readonly connection: number
}

/** Returns true when the request has been dealt with. */
export type Script = (request: ScriptedRequest) => boolean

export interface ScriptedCluster {
  readonly bootstrapServers: string
  readonly sockets: ReadonlySet<net.Socket>
  /** From now on this broker's port refuses, and its connections are gone. */
  refuse(nodeId: number): Promise<void>
  stop(): Promise<void>
}

type ApiVersionsAnswer = ResponseInput<typeof apis.apiVersions>
type MetadataAnswer = ResponseInput<typeof apis.metadata>

export interface ScriptedOptions {
  readonly brokers?: number
  /** Topic names and how many partitions each has; partition p is led by broker p mod brokers + 1. */
  readonly topics?: Readonly<Record<string, number>>
  readonly script: Script
  /** The brokers speak TLS. */
  readonly tls?: { readonly cert: string; readonly key: string }
  /** Called for each new connection; true: nothing more is done with it. */
  readonly onConnection?: (socket: net.Socket, connection: number) => boolean
}

const offered: ApiVersionsAnswer['apiKeys'] = [
  ...[0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 22, 36].flatMap((apiKey) => {
    const api = Object.values(apis).find(({ key }) => key === apiKey)
    return api === undefined
      ? []
      : [{ apiKey, minVersion: api.versions.min, maxVersion: api.versions.max }]
  }),
]

const running: ScriptedCluster[] = []

/** Stops every scripted cluster that a test has started; for `afterEach`. */
export async function stopScripted(): Promise<void> {
  for (const cluster of running.splice(0)) await cluster.stop()
}

export async function startScripted({
  brokers = 1,
  topics = { orders: 1 },
  script,
  onConnection = () => false,
  tls: certificate,
}: ScriptedOptions): Promise<ScriptedCluster> {
  const ports: number[] = []
  const sockets = new Set<net.Socket>()
  const servers: net.Server[] = []
  let connections = 0
  const metadata = (): MetadataAnswer => ({
    brokers: ports.map((port, i) => ({ nodeId: i + 1, host: '127.0.0.1', port })),
    clusterId: 'scripted',
    controllerId: 1,
    topics: Object.entries(topics).map(([name, count]) => ({
      errorCode: 0,
      name,
      isInternal: false,
      partitions: Array.from({ length: count }, (_, p) => ({
        errorCode: 0,
        partitionIndex: p,
        leaderId: (p % brokers) + 1,
        leaderEpoch: 1,
        replicaNodes: [(p % brokers) + 1],
        isrNodes: [(p % brokers) + 1],
      })),
    })),
  })
  const serve = (request: ScriptedRequest): void => {
    const { apiKey, apiVersion, correlationId, socket } = request
    if (script(request)) return
    if (apiKey === apis.apiVersions.key) {
      const body: ApiVersionsAnswer = { errorCode: 0, apiKeys: offered }
      socket.write(encodeResponse(apis.apiVersions, apiVersion, correlationId, body))
    } else if (apiKey === apis.metadata.key) {
      socket.write(encodeResponse(apis.metadata, apiVersion, correlationId, metadata()))
    } else throw new Error(`the script has no answer to API ${apiKey}`)
  }
  for (let nodeId = 1; nodeId <= brokers; nodeId++) {
    const accept = (socket: net.Socket): void => {
      const connection = ++connections
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      socket.on('error', () => undefined)
      if (onConnection(socket, connection)) return
      let pending: Buffer = Buffer.alloc(0)
      socket.on('data', (chunk: Buffer) => {
        pending = Buffer.concat([pending, chunk])
        while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
          const end = 4 + pending.readInt32BE(0)
          const frame = pending.subarray(4, end)
          pending = pending.subarray(end)
          serve({ ...decodeRequestHeader(frame, 0), frame, nodeId, socket, connection })
        }
      })
    }
    const server =
      certificate === undefined ? net.createServer(accept) : tls.createServer(certificate, accept)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    ports.push(address.port)
    servers.push(server)
  }
  const cluster: ScriptedCluster = {
    bootstrapServers: ports.map((port) => `127.0.0.1:${port}`).join(','),
    sockets,
    async refuse(nodeId) {
      const closed = new Promise<void>((resolve) =>
        servers[nodeId - 1]?.close(() => {
          resolve()
        }),
      )
      for (const socket of sockets) if (socket.localPort === ports[nodeId - 1]) socket.destroy()
      await closed
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      await Promise.all(
        servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
      )
    },
  }
  running.push(cluster)
  return cluster
}
