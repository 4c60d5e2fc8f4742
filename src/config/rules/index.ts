/**
 * What goes together and what does not. Each rule looks at what is there and leaves the rest to the
 * others: a value that was refused already is absent here, and nothing is reported about it twice.
 */
import type { Finding } from '../check.ts'
import { networkRules } from './network.ts'
import { planRules } from './plan.ts'
import type { Ruled } from './rule.ts'
import { securityRules } from './security.ts'

const rules = [...networkRules, ...securityRules, ...planRules]

export function judge(ruled: Ruled): readonly Finding[] {
  return rules.flatMap((rule) => rule(ruled)).filter(({ path }) => !ruled.refused(path))
}
