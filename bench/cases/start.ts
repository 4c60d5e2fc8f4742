import { setTimeout as sleep } from 'node:timers/promises'
import type { Case } from '../case.ts'
import { KafkaConnection } from '../kafka.ts'
import { median } from '../statistics.ts'
import type { SubjectKind } from '../subjects.ts'

/** How long an application that starts with its sidecar waits for it. */

const startCount = 7
const retryMs = 2
const timeoutMs = 20_000

/** From the spawn to the first Metadata answer, in ms. All cores are free: nothing else happens then. */
async function timeToMetadata(kind: SubjectKind): Promise<number> {
  const startedAt = performance.now()
  const subject = await kind.start({ unpinned: true, wait: false })
  try {
    for (;;) {
      try {
        const kafka = await KafkaConnection.open(subject.port)
        try {
          await kafka.greet()
          return performance.now() - startedAt
        } finally {
          kafka.close()
        }
      } catch (err) {
        if (performance.now() - startedAt > timeoutMs) throw err
        await sleep(retryMs)
      }
    }
  } finally {
    await subject.stop()
  }
}

export const start: Case = {
  kind: 'fresh',
  name: 'start',
  title: 'start to first metadata',
  unit: 'ms',
  goal: { kind: 'value', max: 400 },
  async measure(_bench, kind) {
    const first = await timeToMetadata(kind)
    const times: number[] = []
    while (times.length < startCount) times.push(await timeToMetadata(kind))
    return { figure: median(times), details: { 'first ms': first, 'max ms': Math.max(...times) } }
  },
}
