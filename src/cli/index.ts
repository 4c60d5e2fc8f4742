/** The commands. They talk to a running sidecar over its admin API, but for `run`, which is one. */
import type { CommandBody } from '../admin/index.ts'
import { parseAdminUrl, type AdminAddress } from './api.ts'
import { exitCodes, type CliDeps } from './deps.ts'
import type { Invocation } from './parse.ts'

export type {
  CheckFinding,
  CheckReport,
  CliDeps,
  DemoArgs,
  Output,
  RunningSidecar,
  SignalName,
  Signals,
} from './deps.ts'

const columnsMax = 100

/** @returns the exit code */
export async function main(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { parse } = await import('./parse.ts')
  const admin = deps.env['KAFKA_CUTOVER_ADMIN']
  const invocation = await parse(argv, { version: deps.version, admin, columns: columnsMax })
  switch (invocation.kind) {
    case 'shown':
      deps.stdout.write(`${invocation.text}\n`)
      return exitCodes.done
    case 'misused':
      return misused(invocation, deps)
    case 'unbuilt':
      return unbuilt(invocation.name, deps)
    case 'demo':
      return demo(invocation, deps)
    case 'run':
      return (await import('./run.ts')).run(invocation, deps)
    case 'check':
      return (await import('./check.ts')).check(invocation, deps)
    case 'status':
    case 'offsets':
    case 'command': {
      const address = adminAddress(invocation.admin, deps)
      if (address === undefined) return exitCodes.usage
      return remote(invocation, address, deps)
    }
  }
}

type Remote = Extract<Invocation, { kind: 'status' | 'offsets' | 'command' }>

async function remote(invocation: Remote, admin: AdminAddress, deps: CliDeps): Promise<number> {
  if (invocation.kind === 'offsets') {
    return (await import('./offsets.ts')).offsets({ ...invocation, admin }, deps)
  }
  const { status, command } = await import('./remote.ts')
  if (invocation.kind === 'status') return status({ ...invocation, admin }, deps)
  const { name, wait, timeout, dormant, forget } = invocation
  const { parseDuration } = await import('../config/index.ts')
  const timeoutMs = parseDuration(timeout)
  if (timeoutMs === undefined) {
    deps.stderr.write(`--timeout: got "${timeout}"; allowed: a duration such as 15m or 90s\n`)
    return exitCodes.usage
  }
  const moves = name === 'cutover' || name === 'rollback'
  const body: CommandBody = forget ?? (moves ? { dormant } : {})
  const phase = name === 'rollback' ? 'source' : 'target'
  return command({ admin, name, body, wait: moves && wait ? { phase, timeoutMs } : null }, deps)
}

function adminAddress(text: string, { env, stderr }: CliDeps): AdminAddress | undefined {
  const url = parseAdminUrl(text)
  if (url !== undefined) return { url, token: env['KAFKA_CUTOVER_TOKEN'] ?? null }
  stderr.write(`--admin: got "${text}"; allowed: http://host:port or host:port\n`)
  return undefined
}

async function misused(
  { error, unknown }: Extract<Invocation, { kind: 'misused' }>,
  { stderr }: CliDeps,
): Promise<number> {
  stderr.write(`${error}\n`)
  if (unknown.length > 0) {
    const { nearest } = await import('../config/index.ts')
    const { commandWords, flagWords } = await import('./parse.ts')
    for (const word of unknown) {
      const near = nearest(word, [...flagWords, ...commandWords])
      if (near !== undefined) stderr.write(`Did you mean ${near}?\n`)
    }
  }
  stderr.write(
    'kafka-cutover --help lists the commands, kafka-cutover <command> --help its flags.\n',
  )
  return exitCodes.usage
}

function unbuilt(name: string, { stderr }: CliDeps): number {
  stderr.write(`kafka-cutover ${name} is not built yet. Nothing was done.\n`)
  return exitCodes.refused
}

/** Ends on SIGINT as on its own, so that it can take its clusters down. */
async function demo(
  { seconds, kafka }: { readonly seconds: number; readonly kafka: boolean },
  deps: CliDeps,
): Promise<number> {
  if (deps.demo === undefined) return unbuilt('demo', deps)
  const aborter = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    deps.signals.on(signal, () => aborter.abort())
  }
  return deps.demo({ ...deps, seconds, kafka, signal: aborter.signal })
}
