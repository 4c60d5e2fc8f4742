import { setTimeout as sleep } from 'node:timers/promises'
import type { EmbeddedCluster } from '../embedded/index.ts'
import type { Applications } from './applications.ts'
import { partitions, topic } from './stage.ts'

/**
 * The third act: what happens to any cluster on an ordinary day. A broker is restarted, later the
 * leaders that it lost come back to it, as in a preferred leader election. The cutover has its place
 * here, once there is one.
 */
export async function runEvents(options: {
  readonly source: EmbeddedCluster
  readonly applications: Applications
  readonly ms: number
  /** Ends the act early. */
  readonly signal: AbortSignal
  readonly tell: (event: string) => void
}): Promise<void> {
  const { source, applications, ms, signal, tell } = options
  const pause = (share: number) =>
    sleep(ms * share, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  await pause(0.3)
  if (signal.aborted) return
  const nodeId = brokerToRestart(source, applications.groupId)
  const led = partitionsLedBy(source, nodeId)
  await source.stopBroker(nodeId)
  tell(`source broker ${nodeId} stopped; others lead its partitions ${led.join(', ')}`)
  await pause(0.15)
  await source.startBroker(nodeId)
  tell(`source broker ${nodeId} started again`)
  await pause(0.2)
  if (signal.aborted) return
  for (const partition of led) source.moveLeader(topic, partition, nodeId)
  tell(`partitions ${led.join(', ')} are led by source broker ${nodeId} again`)
  await pause(0.35)
}

function partitionsLedBy(source: EmbeddedCluster, nodeId: number): number[] {
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  return all.filter((partition) => source.leader(topic, partition).nodeId === nodeId)
}

/** Not the group's coordinator: this act is about leaders, and a rebalance would hide them. */
function brokerToRestart(source: EmbeddedCluster, groupId: string): number {
  const coordinator = source.coordinator(groupId)
  const nodeIds = source.brokers.map(({ nodeId }) => nodeId)
  return nodeIds.find((nodeId) => nodeId !== coordinator) ?? coordinator
}
