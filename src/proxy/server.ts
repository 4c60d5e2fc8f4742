import type { NodeId } from '../ids.ts'

export interface ServerAddress {
  readonly host: string
  readonly port: number
}

/** A server by its address; its node id where that is known. */
export interface Server extends ServerAddress {
  readonly nodeId?: NodeId
}
