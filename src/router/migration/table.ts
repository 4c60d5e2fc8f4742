import type { EntryKind, GroupEntry } from './entries.ts'
import type { GroupStanding, Phase } from './state.ts'

/**
 * The phases. States are facts, entries are acts; a pair that is absent is refused.
 *
 *        +---------------flip----------------+
 *        |                                   v
 *     source --fence--> fenced --splice--> spliced --drained--> drained --target--> target
 *        ^                |                   each group moves when it is drained, in the last three;
 *        +-----abort------+                   and stragglers are carried
 */
export const transitions = {
  source: { fence: 'fenced', flip: 'spliced' },
  fenced: { abort: 'source', splice: 'spliced' },
  spliced: { drained: 'drained', ...within('spliced') },
  drained: { target: 'target', ...within('drained') },
  target: within('target'),
} as const satisfies Record<Phase, Partial<Record<EntryKind, Phase>>>

function within<P extends Phase>(
  phase: P,
): Record<GroupEntry['kind'] | 'carried' | 'sequence-base', P> {
  return {
    'group-moving': phase,
    'group-moved': phase,
    'group-aborted': phase,
    'group-forgotten': phase,
    'group-left': phase,
    carried: phase,
    'sequence-base': phase,
  }
}

/**
 * A group, behind the splice. `moved` and `forgotten` are final.
 *
 *                      +-------------aborted--------------+
 *                      v                                  |
 *     forgotten <-- source --moving-------------------> moving --moved--> moved
 *         ^            |                                  ^
 *         |           left --> left --moving--------------+
 *         +------forgotten------+
 */
export const groupTransitions = {
  source: { 'group-moving': 'moving', 'group-left': 'left', 'group-forgotten': 'forgotten' },
  moving: { 'group-moved': 'moved', 'group-aborted': 'source' },
  moved: {},
  forgotten: {},
  left: { 'group-moving': 'moving', 'group-forgotten': 'forgotten' },
} as const satisfies Record<GroupStanding, Partial<Record<GroupEntry['kind'], GroupStanding>>>
