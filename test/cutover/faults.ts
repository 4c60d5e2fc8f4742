import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningSidecar } from '../acceptance/sidecar.ts'
import type { Cluster } from '../kafka/index.ts'
import { seeded } from './random.ts'

export const killKinds = ['sidecar', 'source', 'target'] as const
export type KillKind = (typeof killKinds)[number]

/** What dies by SIGKILL, and comes back. The seed decides when, and which broker. */
export interface Kill {
  readonly kind: KillKind
  readonly seed: number
}

/** How a kill came out of its seed. */
export interface PlannedKill extends Kill {
  /** Milliseconds from the flip; below 0 before it. */
  readonly atMs: number
  /** The index of the broker. */
  readonly broker: number
}

const earliestMs = -300
const latestMs = 6_000
/** A broker is away for so long, then it is started, which takes some seconds more. */
const brokerAwayMs = 2_000

/** Rather early than late: fence and splice take tenths of a second, the groups some seconds. */
export function planKill(kill: Kill, brokers: number): PlannedKill {
  const random = seeded(1_000 * killKinds.indexOf(kill.kind) + kill.seed)
  const atMs = Math.round(earliestMs + (latestMs - earliestMs) * random() ** 2)
  return { ...kill, atMs, broker: Math.floor(random() * brokers) }
}

/** Kills, and resolves when what was killed is back. */
export async function carryOut(
  kill: PlannedKill,
  on: { readonly sidecar: RunningSidecar; readonly source: Cluster; readonly target: Cluster },
): Promise<void> {
  if (kill.kind === 'sidecar') {
    await on.sidecar.kill()
    await on.sidecar.restart()
    return
  }
  const cluster = on[kill.kind]
  await cluster.killBroker(kill.broker)
  await sleep(brokerAwayMs)
  await cluster.startBroker(kill.broker)
}
