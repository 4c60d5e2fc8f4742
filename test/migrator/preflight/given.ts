import { encodeSubscription } from '../../../src/protocol/index.ts'
import type { FakeCluster } from '../groups/fake-cluster.ts'

/** The one member of a group, which subscribes to one topic; its id is its client id. */
export function join(cluster: FakeCluster, name: string, clientId: string, topic = 'orders'): void {
  const metadata = encodeSubscription(0, { topics: [topic] })
  const on = cluster.group(name)
  on.join(
    {
      ...{ memberId: '', instanceId: null, clientId, clientHost: '/10.0.0.3' },
      ...{ sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 60_000, protocolType: 'consumer' },
      ...{ protocols: [{ name: 'range', metadata }], newMemberId: clientId },
      ...{ mustKnowMemberId: false, canSkipAssignment: false },
    },
    0,
    () => {},
  )
  const claim = { memberId: clientId, instanceId: null, generationId: on.generation }
  on.sync({ ...claim, protocolType: null, protocolName: null }, new Map(), 0, () => {})
}
