import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { endProcess, exitOf, spawnTied } from '../kafka/index.ts'
import { wireVersion } from './catalog.ts'
import type { Program } from './setup.ts'
import { programArguments, type ClientEvent, type RecordEvent, type Workload } from './workload.ts'

/** A client at work. */
export interface RunningClient {
  readonly program: Program
  readonly workload: Workload
  /** Everything that it has told so far, in its order. */
  readonly events: readonly ClientEvent[]
  readonly acked: readonly RecordEvent[]
  readonly consumed: readonly RecordEvent[]
  /** Asks it to end (SIGTERM), and waits for that. */
  stop(): Promise<void>
  /** Ends it at once (SIGKILL). */
  kill(): Promise<void>
  /** Its end, however it comes. @returns the exit code */
  readonly ended: Promise<number>
}

const stopTimeoutMs = 90_000

/** @param brokerVersion what a client that must be told its brokers' version is told */
export function startClient(
  program: Program,
  workload: Workload,
  brokerVersion: string,
): RunningClient {
  const wire = wireVersion(program.client, brokerVersion)
  const args = [...program.args, ...programArguments(workload, wire)]
  const child = spawnTied(program.command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const events: ClientEvent[] = []
  const acked: RecordEvent[] = []
  const consumed: RecordEvent[] = []
  const record = (event: ClientEvent): void => {
    events.push(event)
    if (event.event === 'acked') acked.push(event)
    if (event.event === 'consumed') consumed.push(event)
  }
  const log = (message: string): void => record({ event: 'log', t: Date.now(), message })
  const outputs = [
    readLines(child.stdout, (line) => {
      const event = parseEvent(line)
      if (event === undefined) log(line)
      else record(event)
    }),
    readLines(child.stderr, log),
  ]
  const ended = exitOf(child).then(async (code) => {
    await Promise.all(outputs)
    return code
  })
  return {
    program,
    workload,
    events,
    acked,
    consumed,
    async stop() {
      await endProcess(child, 'SIGTERM', stopTimeoutMs)
      await ended
    },
    async kill() {
      await endProcess(child, 'SIGKILL')
      await ended
    },
    ended,
  }
}

async function readLines(stream: Readable | null, take: (line: string) => void): Promise<void> {
  if (stream === null) return
  for await (const line of createInterface({ input: stream })) take(line)
}

const eventNames = ['acked', 'consumed', 'assigned', 'revoked', 'lost', 'error', 'done']

function parseEvent(line: string): ClientEvent | undefined {
  if (!line.startsWith('{"')) return undefined
  try {
    const value: unknown = JSON.parse(line)
    return isEvent(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Trusts the shape of what our own programs write, once the name is one of theirs. */
function isEvent(value: unknown): value is ClientEvent {
  if (typeof value !== 'object' || value === null || !('event' in value)) return false
  return typeof value.event === 'string' && eventNames.includes(value.event)
}
