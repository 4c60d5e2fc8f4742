import type { GroupPlace, View } from '../view.ts'
import { homeIsTarget, type GroupStanding, type MigrationState } from './state.ts'

export interface ViewOptions {
  /** Whether a target is configured. */
  readonly hasTarget: boolean
  /** Whether a fence is near: Fetches that wait long now would sleep through the splice. */
  readonly preparing: boolean
  /** Whether the source is being asked for the end that a splice will have. */
  readonly settling?: boolean
}

/** Behind a fence, unordered topics are still the source's, and nobody waits. */
function orderedTopics({ topics }: MigrationState): MigrationState['topics'] {
  const ordered = [...topics].filter(([, { parallel }]) => parallel === undefined)
  return ordered.length === topics.size ? topics : new Map(ordered)
}

/** Whether groups are told of new partitions that may read ordered topics, too. */
function isMixed({ topics }: MigrationState): boolean {
  const kinds = new Set([...topics.values()].map(({ parallel }) => parallel === undefined))
  return kinds.size > 1
}

const places: Record<GroupStanding, GroupPlace> = {
  source: 'source',
  moving: 'moving',
  moved: 'target',
  forgotten: 'target',
  left: 'source',
}

/**
 * What a state means to the router. The planned topics are the state's own objects, the same ones from
 * view to view until an entry changes them: the routing table shares what did not change by identity.
 *
 * A plan that is not every topic leaves the source as the home of what else there is, of groups that
 * begin later too; those are moved like any other, also in phase `target`.
 */
export function viewOf(
  state: MigrationState,
  { hasTarget, preparing, settling = false }: ViewOptions,
): View {
  const held = state.phase === 'fenced'
  const spliced = !held && state.phase !== 'source'
  const home = homeIsTarget(state) ? 'target' : 'source'
  const groups = new Map<string, GroupPlace>()
  for (const [group, standing] of state.groups) {
    if (places[standing] !== home) groups.set(group, places[standing])
  }
  return {
    hasTarget,
    clusterId: spliced ? state.clusterId : null,
    topics: held ? orderedTopics(state) : state.topics,
    held,
    settling: held && settling,
    shortFetches: held || (preparing && !spliced),
    everyTopic: state.everyTopic,
    spliced,
    leadersStay: spliced && state.phase !== 'target' && isMixed(state),
    home,
    groups,
    placeholders: state.placeholders,
  }
}
