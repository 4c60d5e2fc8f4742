/** Cutovers with something particular about them, each named. */
import { aborts } from './abort.ts'
import { after } from './after.ts'
import { dormant } from './dormant.ts'
import { lostAcks } from './lost-acks.ts'
import { outside } from './outside.ts'
import { payloads } from './payloads.ts'
import { plans } from './plan.ts'
import { positions } from './positions.ts'
import { staticMembers } from './static-members.ts'
import { stragglers } from './stragglers.ts'
import { transactional } from './transactional.ts'
import { unordered } from './unordered.ts'
import { leaving } from './unordered-leaving.ts'
import { refused } from './unordered-refused.ts'
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
  ...staticMembers,
  ...dormant,
  ...aborts,
  ...payloads,
  ...transactional,
  ...unordered,
  ...leaving,
  ...refused,
]
