import { setTimeout as sleep } from 'node:timers/promises'
import type { Case } from '../case.ts'
import { cpuSeconds, residentKib } from '../cores.ts'
import { KafkaConnection } from '../kafka.ts'

/** What a connection costs that does nothing any more. */

const connectionCount = 1_000
const warmUpCount = 100
const openAtOnce = 20
const settleMs = 3_000

/** Connections that have done what a client does first, so that each has its way to the broker. */
async function openConnections(port: number, count: number): Promise<KafkaConnection[]> {
  const connections: KafkaConnection[] = []
  while (connections.length < count) {
    const batch = Array.from({ length: Math.min(openAtOnce, count - connections.length) })
    connections.push(
      ...(await Promise.all(
        batch.map(async () => {
          const kafka = await KafkaConnection.open(port)
          await kafka.greet()
          return kafka
        }),
      )),
    )
  }
  return connections
}

export const idle: Case = {
  kind: 'fresh',
  name: 'idle',
  title: `memory of ${connectionCount} idle connections`,
  unit: 'KiB each',
  goal: { kind: 'value', max: 40 },
  async measure(_bench, kind) {
    const subject = await kind.start()
    try {
      // Code is compiled and pools are filled by the first connections, not by each.
      for (const kafka of await openConnections(subject.port, warmUpCount)) kafka.close()
      await sleep(settleMs)
      const before = residentKib(subject.pid)
      const connections = await openConnections(subject.port, connectionCount)
      await sleep(settleMs)
      const after = residentKib(subject.pid)
      const cpuBefore = cpuSeconds(subject.pid)
      await sleep(settleMs)
      const idleCpu = (cpuSeconds(subject.pid) - cpuBefore) / (settleMs / 1000)
      for (const kafka of connections) kafka.close()
      return {
        figure: (after - before) / connectionCount,
        details: { 'MiB before': before / 1024, 'CPU idle %': idleCpu * 100 },
      }
    } finally {
      await subject.stop()
    }
  },
}
