/** The commands that talk to a running sidecar. */
import type { CommandBody, CommandName, Status } from '../admin/index.ts'
import { getStatus, postCommand, type AdminAddress, type Answer } from './api.ts'
import { exitCodes, type CliDeps } from './deps.ts'
import { progressText, statusText } from './status-text.ts'

const pollMs = 1_000
const clearScreen = '\u001b[2J\u001b[H'

export interface StatusArgs {
  readonly admin: AdminAddress
  readonly watch: boolean
  readonly json: boolean
}

export async function status({ admin, watch, json }: StatusArgs, deps: CliDeps): Promise<number> {
  for (let first = true; ; first = false) {
    const answer = await getStatus(admin)
    if (answer.kind !== 'ok') {
      if (first || !watch) return failed(answer, deps)
      deps.stderr.write(`${answer.error}\n`)
    } else if (json) {
      deps.stdout.write(`${JSON.stringify(answer.json, null, watch ? undefined : 2)}\n`)
    } else {
      const clear = watch && deps.stdout.isTTY ? clearScreen : ''
      deps.stdout.write(`${clear}${statusText(answer.value)}\n`)
    }
    if (!watch) return exitCodes.done
    await delay(pollMs)
  }
}

export interface CommandArgs {
  readonly admin: AdminAddress
  readonly name: CommandName
  readonly body: CommandBody
  /** The phase to wait for, and how long; none is not to wait. */
  readonly wait: { readonly phase: Status['phase']; readonly timeoutMs: number } | null
}

export async function command(args: CommandArgs, deps: CliDeps): Promise<number> {
  const { admin, name, body, wait } = args
  if (body.group !== undefined) {
    const now = await getStatus(admin)
    if (now.kind !== 'ok') return failed(now, deps)
    deps.stdout.write(`${lossText(body.group, now.value)}\n`)
  }
  const answer = await postCommand(admin, name, body)
  if (answer.kind !== 'ok') return failed(answer, deps)
  if (wait === null) {
    deps.stdout.write(`${name} accepted, phase ${answer.value.phase}\n`)
    return exitCodes.done
  }
  const deadline = performance.now() + wait.timeoutMs
  let last = answer.value
  while (!reached(last, wait.phase)) {
    if (hasAborted(last, name)) return aborted(last, deps)
    if (performance.now() >= deadline) return timedOut(args, last, deps)
    progress(last, deps)
    await delay(Math.min(pollMs, wait.timeoutMs))
    const next = await getStatus(admin)
    // A sidecar that does not answer for a moment is not a migration that failed.
    if (next.kind === 'ok') last = next.value
    else progressLine(next.error, deps)
  }
  endProgress(deps)
  deps.stdout.write(`${name} done: phase ${last.phase}\n`)
  return exitCodes.done
}

/** A finished rollback is phase `source`, direction `forward`; before, it is on its way back. */
function reached({ phase, direction }: Status, goal: Status['phase']): boolean {
  return phase === goal && (goal !== 'source' || direction === 'forward')
}

/** Back where it began, and free to begin again: before its splice something ended it. */
function hasAborted({ phase, allowed }: Status, name: CommandName): boolean {
  return name === 'cutover' && phase === 'source' && allowed.includes('cutover')
}

function aborted(last: Status, deps: CliDeps): number {
  const { lastAbort } = last
  endProgress(deps)
  deps.stderr.write(
    [
      `cutover aborted: ${lastAbort ?? 'the sidecar does not say why; see its log'}.`,
      'Now: phase source, everything flows to the source; nothing was lost, no record has moved.',
      'Next: see to the reason, then kafka-cutover check, then kafka-cutover cutover again.',
      `Do not ${mistakeIn(last)}`,
      '',
    ].join('\n'),
  )
  return exitCodes.refused
}

/** What it costs to wait no longer for a group. */
function lossText(name: string, { groups }: Status): string {
  const group = groups.find((each) => each.group === name)
  if (group === undefined) return `group ${name}: the sidecar does not know of it`
  const { state, members, remaining } = group
  if (state === 'moved' || state === 'forgotten') return `group ${name}: ${state} already`
  if (members !== null && members > 0) {
    return `group ${name}: it has ${members} members; it reads on, and moves by itself`
  }
  const left = remaining === null ? 'an unknown number of' : String(remaining)
  return `group ${name}: gives up ${left} records that it has not read; when it returns, it goes on with what was written to the target since the splice`
}

function timedOut({ name, wait }: CommandArgs, last: Status, deps: CliDeps): number {
  const { stderr } = deps
  endProgress(deps)
  const seconds = (wait?.timeoutMs ?? 0) / 1_000
  stderr.write(
    [
      `${name} goes on, but did not reach phase ${wait?.phase ?? '?'} within ${seconds} s.`,
      `Now: phase ${last.phase}, ${trafficIn(last)}`,
      ...last.waitingFor.map((what) => `Waiting for: ${what}`),
      `Next: kafka-cutover status --watch; ${allowedIn(last)}`,
      `Do not ${mistakeIn(last)}`,
      '',
    ].join('\n'),
  )
  return exitCodes.timedOut
}

/** What a status, and a refusal, say of how things stand. */
type Standing = Pick<Status, 'phase' | 'direction' | 'allowed'>

const waysOf = ({ direction }: Standing) =>
  direction === 'forward' ? (['source', 'target'] as const) : (['target', 'source'] as const)

function trafficIn(standing: Standing): string {
  const { phase } = standing
  const [from, to] = waysOf(standing)
  switch (phase) {
    case 'source':
      return 'everything flows to the source.'
    case 'fenced':
      return `producing is held, consuming goes on from the ${from}.`
    case 'spliced':
    case 'drained':
      return `producing goes to the ${to}, groups read the ${from} to its end.`
    case 'target':
      return 'everything flows to the target.'
  }
}

const allowedIn = ({ allowed }: Standing): string =>
  `allowed now: ${allowed.join(', ') || 'no command'}.`

/** What would cost records, or a client its patience, as things stand. */
function mistakeIn(standing: Standing): string {
  const { phase } = standing
  const [from, to] = waysOf(standing)
  switch (phase) {
    case 'source':
      return 'point applications at the target directly: it lacks what is on the source.'
    case 'fenced':
      return 'restart applications: what they produce is held for seconds, and not lost.'
    case 'spliced':
    case 'drained':
      return `switch the ${from} off, or point applications at a cluster directly, before phase ${to}.`
    case 'target':
      return 'let anybody write to the source: its records come late, and out of order.'
  }
}

export function failed(
  answer: Exclude<Answer<unknown>, { kind: 'ok' }>,
  { stderr }: CliDeps,
): number {
  if (answer.kind === 'unreachable') {
    stderr.write(`${answer.error}\n`)
    return exitCodes.failed
  }
  if (answer.status === 401) {
    stderr.write(`${answer.error}\nGive it in the environment variable KAFKA_CUTOVER_TOKEN.\n`)
    return exitCodes.failed
  }
  if (answer.status !== 409) {
    stderr.write(`${answer.error}\n`)
    return exitCodes.failed
  }
  stderr.write(`refused: ${answer.error}\n${standingText(answer.json)}`)
  return exitCodes.refused
}

function standingText(json: unknown): string {
  if (!isStanding(json)) return ''
  return [
    `Now: phase ${json.phase}, ${trafficIn(json)}`,
    `Next: kafka-cutover status; ${allowedIn(json)}`,
    `Do not ${mistakeIn(json)}`,
    '',
  ].join('\n')
}

/** Looks at what tells a refusal of the sidecar from anybody else's; the rest is the same version's word. */
const isStanding = (json: unknown): json is Standing =>
  typeof json === 'object' &&
  json !== null &&
  'phase' in json &&
  typeof json.phase === 'string' &&
  'direction' in json &&
  'allowed' in json &&
  Array.isArray(json.allowed)

function progress(status: Status, deps: CliDeps): void {
  progressLine(progressText(status), deps)
}

/** To standard error, and only to a terminal: results are on standard output. */
function progressLine(line: string, { stderr }: CliDeps): void {
  if (stderr.isTTY) stderr.write(`\r\u001b[K${line.replaceAll('\n', ' ')}`)
}

/** What comes next begins on a line of its own. */
function endProgress({ stderr }: CliDeps): void {
  if (stderr.isTTY) stderr.write('\r\u001b[K')
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
