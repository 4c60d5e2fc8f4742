import type {
  AdminEvent,
  AdminSource,
  CommandBody,
  CommandName,
  CommandResult,
  Status,
} from './admin/index.ts'
import type { Config } from './config/index.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics/index.ts'
import {
  findingText,
  Migrator,
  openFileJournal,
  type Journal,
  type Transition,
} from './migrator/index.ts'
import type { ClusterDoor, Proxy } from './proxy/index.ts'
import { offsetsIn } from './offsets.ts'
import { apis } from './protocol/index.ts'
import { initialState, openSegment, segmentIn, type MigrationState } from './router/index.ts'
import { unbuiltFindings } from './unbuilt.ts'

/** What the sidecar knows of its migration, and how it is told what to do. */
export interface Cutover {
  readonly command: (name: CommandName, body: CommandBody) => Promise<CommandResult>
  readonly status: () => CutoverStatus
  readonly offsets: AdminSource['offsets']
  readonly subscribe: (listener: (event: AdminEvent) => void) => () => void
  readonly stop: () => Promise<void>
}

export type CutoverStatus = Pick<
  Status,
  | 'direction'
  | 'phase'
  | 'waitingFor'
  | 'topics'
  | 'groups'
  | 'sidecars'
  | 'fence'
  | 'lastAbort'
  | 'allowed'
>

export interface CutoverOptions {
  readonly config: Config
  readonly proxy: Proxy
  readonly metrics: Metrics
  readonly log: Log
}

/** A sidecar without a target: it passes everything to the source, for good. */
export function noCutover(name: string, proxy: Proxy): Cutover {
  return {
    command: (command) =>
      Promise.resolve({
        kind: 'refused',
        error: `${command}: this sidecar has no target (target.bootstrapServers, --target); it passes everything to the source`,
        allowed: [],
      }),
    status: () => ({
      direction: 'forward',
      phase: 'source',
      waitingFor: [],
      topics: [],
      groups: [],
      sidecars: [{ name, acknowledged: false, lastSeenMs: 0 }],
      fence: { durationMs: null, heldRequests: 0 },
      lastAbort: null,
      allowed: [],
    }),
    offsets: offsetsOf(proxy, () => initialState),
    subscribe: () => () => {},
    stop: () => Promise.resolve(),
  }
}

/**
 * Takes up what the journal says, before the first client is served.
 * Rejects where the journal cannot be read, and says why.
 */
export async function openCutover({
  config,
  proxy,
  metrics,
  log,
}: CutoverOptions): Promise<Cutover> {
  const { name, cutover } = config
  if (cutover.journal.kind === 'topic') {
    throw new Error('cutover.journal: topic:NAME is not built yet; give file:PATH')
  }
  const journal: Journal = await openFileJournal(cutover.journal.path, { log })
  const doors: ClusterDoor[] = []
  const door = (cluster: 'source' | 'target'): ClusterDoor => {
    const opened = proxy.openDoor(cluster)
    doors.push(opened)
    return opened
  }
  const listeners = new Set<(event: AdminEvent) => void>()
  let hasStarted = false
  const migrator = new Migrator({
    source: door('source'),
    target: door('target'),
    openTarget: () => proxy.openDoor('target'),
    plane: proxy,
    journal,
    rows: cutover.topics,
    mode: cutover.mode,
    fenceDeadlineMs: cutover.fenceDeadlineMs,
    log,
    groupMoved: (durationMs) => metrics.groupMoved(durationMs / 1_000),
    now: () => Date.now(),
    changed(transition) {
      if (!hasStarted) return
      metrics.entered(transition.to, 'forward')
      const { fence } = migrator.state
      if (transition.from === 'fenced' && fence?.endedAt != null) {
        metrics.fenced((fence.endedAt - fence.at) / 1_000)
      }
      for (const listener of listeners) listener(eventOf(transition))
    },
  })
  await migrator.start()
  hasStarted = true
  metrics.stands(migrator.state.phase, 'forward')
  const sidecars = () => [{ name, acknowledged: migrator.state.phase !== 'source', lastSeenMs: 0 }]
  metrics.describe(() => ({
    drains: migrator.drains,
    sidecars: sidecars(),
    stragglers: stragglersByTopic(migrator),
    held: [
      { apiKey: apis.produce.key, count: proxy.heldRequests },
      { apiKey: apis.joinGroup.key, count: proxy.groups.heldJoins },
    ],
  }))
  const allowed = (): readonly CommandName[] => allowedCommands(migrator)
  const refused = (error: string): CommandResult => ({ kind: 'refused', error, allowed: allowed() })
  return {
    async command(command, body) {
      switch (command) {
        case 'cutover': {
          const unbuilt = unbuiltFindings(cutover)
          if (unbuilt.length > 0) return refused(unbuilt.map(findingText).join('\n'))
          const started = await migrator.cutover({ dormant: body.dormant ?? 'wait' })
          return started.ok ? { kind: 'accepted' } : refused(started.error)
        }
        case 'abort': {
          const started = migrator.abort('the operator aborted it')
          return started.ok ? { kind: 'accepted' } : refused(started.error)
        }
        case 'forget': {
          if (body.group === undefined) {
            return refused(
              'forget: a sidecar with a file journal is alone; only --group NAME can be forgotten',
            )
          }
          const started = await migrator.forget(body.group)
          return started.ok ? { kind: 'accepted' } : refused(started.error)
        }
        case 'rollback':
          return refused('rollback: it is not built yet; nothing was changed')
      }
    },
    status: () => ({
      direction: 'forward',
      phase: migrator.state.phase,
      waitingFor: migrator.waitingFor,
      topics: topicRows(migrator),
      groups: migrator.groups,
      sidecars: sidecars(),
      fence: { durationMs: migrator.fenceMs, heldRequests: proxy.heldRequests },
      lastAbort: migrator.lastAbort,
      allowed: allowed(),
    }),
    offsets: offsetsOf(proxy, () => migrator.state),
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async stop() {
      await migrator.stop()
      for (const opened of doors) opened.close()
      await journal.close()
    },
  }
}

const offsetsOf =
  ({ source }: Proxy, state: () => MigrationState): AdminSource['offsets'] =>
  (topic, partition, offset) => {
    const sourcePartitions = source.topology.topics.get(topic)?.partitions.length
    return offsetsIn(state(), topic, partition, offset, sourcePartitions)
  }

function allowedCommands({ state, preparing }: Migrator): readonly CommandName[] {
  switch (state.phase) {
    case 'source':
      return preparing ? ['abort'] : ['cutover']
    case 'fenced':
      return ['abort']
    case 'spliced':
    case 'drained':
      return ['forget']
    case 'target':
      return [...state.groups.values()].includes('left') ? ['forget'] : []
  }
}

const eventOf = ({ from, to, atMs, reason }: Transition): AdminEvent => ({
  kind: 'transition',
  time: new Date(atMs).toISOString(),
  from,
  to,
  direction: 'forward',
  reason,
})

function topicRows(migrator: Migrator): Status['topics'] {
  return [...migrator.state.topics.values()].map((topic) => ({
    source: topic.name,
    target: topic.targetName,
    mode: topic.parallel === undefined ? ('ordered' as const) : ('unordered' as const),
    partitions: topic.timelines.map((timeline, partition) => {
      const seen = migrator.sourceEnd(topic.name, partition)
      const end = segmentIn(timeline, 'source')?.end ?? seen?.end ?? null
      const open = openSegment(timeline)
      const stragglers = migrator.stragglers(topic.name, partition)
      return {
        partition,
        sourceEnd: end === null ? null : Number(end),
        targetStart: open.cluster === 'target' ? Number(open.start) : null,
        stragglers: stragglers?.count ?? null,
        sourceWriteRate: stragglers?.ratePerSecond ?? null,
      }
    }),
  }))
}

/** A topic of which no partition was looked at yet is not known to have none. */
function stragglersByTopic(migrator: Migrator): readonly { topic: string; count: number }[] {
  return [...migrator.state.topics.values()].flatMap(({ name, timelines }) => {
    const counts = timelines.flatMap((_, i) => migrator.stragglers(name, i)?.count ?? [])
    return counts.length === 0 ? [] : [{ topic: name, count: counts.reduce((a, b) => a + b, 0) }]
  })
}
