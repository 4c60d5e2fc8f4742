import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import type { Status } from '../../../src/admin/index.ts'
import { getStatus, postCommand, type AdminAddress } from '../../../src/cli/api.ts'
import { startSidecar, type RunningSidecar, type SidecarOptions } from '../../acceptance/sidecar.ts'
import {
  startClient,
  type ClientName,
  type Program,
  type RunningClient,
  type Workload,
} from '../../clients/index.ts'
import { until, type Cluster, type RunResult } from '../../kafka/index.ts'

const mainFile = resolve(import.meta.dirname, '../../../src/main.ts')
const commandTimeoutMs = 120_000
export const phaseTimeoutMs = 90_000

export interface StageOptions {
  readonly source: Cluster
  readonly target: Cluster
  readonly programs: ReadonlyMap<ClientName, Program>
  /** Unlike that of any other scenario on these clusters. */
  readonly unique: string
}

/** What an operator types, and what came of it. */
export type CommandLine = Pick<RunResult, 'code' | 'stdout' | 'stderr'>

/**
 * Where a scenario is played: two clusters, sidecars before them, whoever connects, and what was found.
 * Everything that a scenario starts ends with it.
 */
export class Stage {
  readonly source: Cluster
  readonly target: Cluster
  readonly unique: string
  /** What was checked and held. */
  readonly held: string[] = []
  readonly findings: string[] = []
  readonly #programs: ReadonlyMap<ClientName, Program>
  readonly #sidecars: RunningSidecar[] = []
  readonly #clients: RunningClient[] = []
  readonly #ends: (() => Promise<void>)[] = []

  constructor({ source, target, programs, unique }: StageOptions) {
    this.source = source
    this.target = target
    this.unique = unique
    this.#programs = programs
  }

  /** Notes whether something holds. @param seen what there is instead, shown where it does not */
  check(what: string, holds: boolean, seen?: unknown): boolean {
    if (holds) this.held.push(what)
    else this.findings.push(`${what}: no${seen === undefined ? '' : `; ${textOf(seen)}`}`)
    return holds
  }

  /** The same, with a wait: for what comes by itself. */
  async wait(
    what: string,
    condition: () => Promise<boolean> | boolean,
    { timeoutMs = phaseTimeoutMs, seen }: { timeoutMs?: number; seen?: () => unknown } = {},
  ): Promise<void> {
    const came = await until(condition, timeoutMs, 50)
    if (!this.check(what, came, seen?.())) throw new Error(`${what}: not after ${timeoutMs} ms`)
  }

  /** A sidecar whose plan are these topics (`name` or `source:target`), else every topic. */
  async sidecar({
    topics,
    args = [],
    ...rest
  }: Partial<SidecarOptions> & {
    readonly topics?: readonly string[]
  } = {}): Promise<RunningSidecar> {
    const sidecar = await startSidecar({
      source: this.source.bootstrapServers,
      target: this.target.bootstrapServers,
      brokers: Math.max(this.source.brokers.length, this.target.brokers.length),
      args: [...(topics === undefined ? [] : ['--topics', topics.join(',')]), ...args],
      ...rest,
    })
    this.#sidecars.push(sidecar)
    return sidecar
  }

  /** An unmodified client in a process of its own. */
  client(name: ClientName, workload: Workload): RunningClient {
    const program = this.#programs.get(name)
    if (program === undefined) throw new Error(`${name} is not set up`)
    const versions = [this.source.version, this.target.version].sort()
    const client = startClient(program, workload, versions[0] ?? '')
    this.#clients.push(client)
    return client
  }

  /** The program of a client, for what it can do besides. */
  program(name: ClientName): Program {
    const program = this.#programs.get(name)
    if (program === undefined) throw new Error(`${name} is not set up`)
    return program
  }

  /** To be done at the end of the scenario, however that comes. */
  atEnd(end: () => Promise<void>): void {
    this.#ends.push(end)
  }

  /** Ends everything. @returns what the sidecars and the clients have told, to find out why */
  async end(): Promise<string> {
    const logs = await Promise.all(this.#sidecars.map((sidecar) => sidecar.log()))
    for (const end of this.#ends.reverse()) await end().catch(() => {})
    await Promise.all(this.#clients.map((client) => client.kill()))
    await Promise.all(this.#sidecars.map((sidecar) => sidecar.stop()))
    const told = this.#clients.map(({ workload, events }) =>
      [`== ${workload.id}`, ...events.map((event) => JSON.stringify(event))].join('\n'),
    )
    return [...logs.map((log) => `== sidecar\n${log}`), ...told].join('\n')
  }
}

/** kafkajs in this process: quiet, and patient enough for what is held. */
export const kafkaAt = (bootstrap: string, clientId = 'application') =>
  new Kafka({ clientId, brokers: bootstrap.split(','), logLevel: logLevel.NOTHING })

export const adminOf = (sidecar: RunningSidecar): AdminAddress => ({
  url: new URL(sidecar.admin),
  token: null,
})

/** Throws where nobody answers. */
export async function statusOf(sidecar: RunningSidecar): Promise<Status> {
  const answer = await getStatus(adminOf(sidecar))
  if (answer.kind !== 'ok') throw new Error(answer.error)
  return answer.value
}

export async function post(
  sidecar: RunningSidecar,
  ...[name, body = {}]: [Parameters<typeof postCommand>[1], Parameters<typeof postCommand>[2]?]
): Promise<Awaited<ReturnType<typeof postCommand>>> {
  return postCommand(adminOf(sidecar), name, body)
}

/** Asks for a cutover, and waits for a phase. A fence that is given up is asked for again, as people do. */
export async function cutOver(
  stage: Stage,
  sidecar: RunningSidecar,
  goal: Status['phase'] = 'target',
  body: Parameters<typeof postCommand>[2] = {},
): Promise<Status> {
  let status = await statusOf(sidecar)
  await stage.wait(
    `phase ${goal} is reached`,
    async () => {
      status = await statusOf(sidecar)
      if (status.phase === goal) return true
      if (status.phase === 'source' && status.allowed.includes('cutover'))
        await post(sidecar, 'cutover', body)
      return false
    },
    { seen: () => ({ phase: status.phase, waiting: status.waitingFor, abort: status.lastAbort }) },
  )
  return status
}

/** Runs `kafka-cutover ARGS` as an operator does. */
export function operate(args: readonly string[]): Promise<CommandLine> {
  return new Promise((resolve) => {
    const options = { timeout: commandTimeoutMs }
    execFile(process.execPath, [mainFile, ...args], options, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error === null ? 0 : -1
      resolve({ code, stdout, stderr })
    })
  })
}

/** The sidecar's log, line by line. */
export async function logLines(sidecar: RunningSidecar): Promise<Record<string, unknown>[]> {
  const lines = (await sidecar.log()).split('\n').filter((line) => line.startsWith('{'))
  return lines.flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line)
      return typeof value === 'object' && value !== null ? [{ ...value }] : []
    } catch {
      return [] // being written
    }
  })
}

/** A sample of the sidecar's metrics; undefined where there is none. */
export async function metricOf(
  sidecar: RunningSidecar,
  sample: string,
): Promise<number | undefined> {
  const text = await (await fetch(`${sidecar.admin}/metrics`)).text()
  const line = text.split('\n').find((each) => each.startsWith(`kafka_cutover_${sample} `))
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1))
}

export const pause = (ms: number) => sleep(ms, undefined)

const textOf = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value))
