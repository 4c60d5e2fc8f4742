/** Groups of unmodified clients, each member in a process of its own, and what came to them. */
import type { Assignment, ClientName, RecordEvent, RunningClient } from '../../clients/index.ts'
import { notOnce } from './applications.ts'
import type { Stage } from './stage.ts'

export interface MembersOptions {
  readonly name: ClientName
  readonly bootstrap: string
  /** Several with commas between. */
  readonly topic: string
  readonly group: string
  readonly assignment?: Assignment
  readonly reset?: 'earliest' | 'latest'
  /** Of the client id, where several members are of one group. */
  readonly suffix?: string
}

/** One member of a group, which reads until it is told to end. */
export function member(stage: Stage, options: MembersOptions): RunningClient {
  const { name, suffix = '', ...workload } = options
  const id = `${workload.group}${suffix}`
  return stage.client(name, { ...workload, role: 'consume', id, records: 0 })
}

export const valuesOf = (producers: readonly RunningClient[]): readonly string[] =>
  producers.flatMap(({ acked }) => acked.map(({ value }) => value))

export const readBy = (members: readonly RunningClient[]): readonly RecordEvent[] =>
  members.flatMap(({ consumed }) => consumed)

export const assignedTo = (client: RunningClient): number =>
  client.events.filter(({ event }) => event === 'assigned').length

/** Waits for all values to come to a group, and looks whether each came once, and nobody saw an error. */
export async function everythingOnce(
  stage: Stage,
  what: string,
  members: readonly RunningClient[],
  values: readonly string[],
): Promise<void> {
  const complete = (): boolean => {
    const came = new Set(readBy(members).map(({ value }) => value))
    return values.every((value) => came.has(value))
  }
  await stage.wait(`${what}: everything comes`, complete, {
    timeoutMs: 60_000,
    seen: () => notOnce(values, readBy(members)).slice(0, 5),
  })
  const wrong = notOnce(values, readBy(members))
  stage.check(`${what}: each once`, wrong.length === 0, wrong.slice(0, 5))
  noErrors(stage, what, members)
}

export function noErrors(stage: Stage, what: string, clients: readonly RunningClient[]): void {
  const errors = clients.flatMap(({ events }) => events.filter(({ event }) => event === 'error'))
  stage.check(`${what}: no error`, errors.length === 0, errors.slice(0, 3))
}
