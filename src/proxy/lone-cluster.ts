import type { ClusterName } from '../ids.ts'
import type { Log } from '../log.ts'
import { blindObserver } from '../observer.ts'
import type { ClusterTls } from '../security/index.ts'
import { BufferPool } from './buffers.ts'
import { ClusterClient, type ClusterLimits } from './cluster-client.ts'
import { ClusterDoor } from './cluster-door.ts'
import type { ServerAddress } from './server.ts'
import type { Identity } from './upstream-login.ts'

export interface LoneClusterOptions {
  readonly name: ClusterName
  readonly bootstrapServers: readonly ServerAddress[]
  readonly tls: ClusterTls | null
  readonly identity: Identity
  readonly limits: ClusterLimits & { readonly bufferedBytesMax: number }
  readonly version: string
  readonly log: Log
}

export interface LoneCluster {
  readonly cluster: ClusterDoor
  readonly close: () => void
}

/** One cluster for whoever has no sidecar. Nothing is opened until it is asked. */
export function openLoneCluster(options: LoneClusterOptions): LoneCluster {
  const { version, limits, ...rest } = options
  const client = new ClusterClient({
    ...rest,
    limits,
    pool: new BufferPool(limits.bufferedBytesMax),
    observer: blindObserver,
    clientVersion: version,
    changed() {},
  })
  const cluster = new ClusterDoor(client)
  return {
    cluster,
    close() {
      cluster.close()
      client.stop()
    },
  }
}
