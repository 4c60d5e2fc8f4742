/** Cutovers with something particular about them, each named. */
import { after } from './after.ts'
import { dormant } from './dormant.ts'
import { lostAcks } from './lost-acks.ts'
import { outside } from './outside.ts'
import { plans } from './plan.ts'
import { positions } from './positions.ts'
import { stragglers } from './stragglers.ts'
import type { NamedScenario } from './scenario.ts'

export { Stage } from './stage.ts'
export type { NamedScenario, Pair } from './scenario.ts'

export const namedScenarios: readonly NamedScenario[] = [
  ...stragglers,
  ...lostAcks,
  ...plans,
  ...after,
  ...positions,
  ...outside,
  ...dormant,
]
