/** Cutovers with something particular about them, each named. */
import { lostAcks } from './lost-acks.ts'
import { stragglers } from './stragglers.ts'
import type { NamedScenario } from './scenario.ts'

export { Stage } from './stage.ts'
export type { NamedScenario, Pair } from './scenario.ts'

export const namedScenarios: readonly NamedScenario[] = [...stragglers, ...lostAcks]
