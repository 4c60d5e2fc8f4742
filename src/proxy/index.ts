/** Sockets: listeners, sessions, upstream connections, and the bytes between them. */
export { Proxy, type ListenerStatus, type ProxyOptions } from './proxy.ts'
export { openLoneCluster, type LoneCluster } from './lone-cluster.ts'
export type { ClusterDoor } from './cluster-door.ts'
export { connectionsAllowed, descriptorLimit } from './descriptors.ts'
export type { VirtualBroker } from '../cluster/index.ts'
