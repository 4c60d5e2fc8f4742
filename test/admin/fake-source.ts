import type {
  AdminEvent,
  AdminSource,
  CommandResult,
  OffsetsResult,
  Status,
} from '../../src/admin/index.ts'

export const aStatus: Status = {
  name: 'app-1',
  version: '0.1.0',
  pid: 4711,
  uptimeSeconds: 12.5,
  mode: 'ordered',
  direction: 'forward',
  phase: 'source',
  waitingFor: [],
  topics: [],
  groups: [],
  sidecars: [{ name: 'app-1', acknowledged: false, lastSeenMs: 0 }],
  fence: { durationMs: null, heldRequests: 0 },
  lastAbort: null,
  allowed: ['cutover'],
  source: ['10.0.0.1:9092'],
  target: null,
  listeners: [
    {
      slot: 1,
      address: '127.0.0.1:9093',
      nodeId: 1,
      home: { source: '10.0.0.1:9092', target: null },
    },
  ],
  connections: 2,
}

/** A sidecar that says what the test sets, and remembers what it was told. */
export class FakeSource implements AdminSource {
  now: Status = aStatus
  readiness: ReturnType<AdminSource['ready']> = { ok: true }
  result: CommandResult = { kind: 'accepted' }
  found: OffsetsResult = { kind: 'unknown', error: 'no such topic' }
  readonly asked: unknown[] = []
  readonly commands: unknown[] = []
  readonly #listeners = new Set<(event: AdminEvent) => void>()

  readonly status = (): Status => this.now
  readonly ready = () => this.readiness
  readonly metrics = () =>
    Promise.resolve({ contentType: 'text/plain; version=0.0.4', body: 'x 1\n' })
  readonly command: AdminSource['command'] = (name, body) => {
    this.commands.push({ name, ...body })
    return Promise.resolve(this.result)
  }
  readonly offsets: AdminSource['offsets'] = (topic, partition, offset) => {
    this.asked.push({ topic, partition, offset })
    return this.found
  }
  readonly subscribe: AdminSource['subscribe'] = (listener) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  get subscribers(): number {
    return this.#listeners.size
  }

  tell(event: AdminEvent): void {
    for (const listener of this.#listeners) listener(event)
  }
}
