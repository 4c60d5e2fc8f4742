import { stripVTControlCharacters } from 'node:util'
import type { GroupStatus, Status } from '../admin/index.ts'
import { groups } from './consumers.ts'
import type { Books, GroupBooks } from './ledger.ts'
import { producers } from './producers.ts'

/** What the demo shows: a few lines that are written over on a terminal, one line a second elsewhere. */
export interface Output {
  readonly isTTY: boolean
  readonly write: (text: string) => void
  /** Of the terminal; where they are not given, those of the process's own. */
  readonly columns?: number
}

export interface Scene {
  readonly seconds: number
  readonly bootstrap: string
  readonly adminUrl: string
  readonly books: Books
  readonly sentPerSecond: number
  /** As the sidecar tells it; none until it has. */
  readonly status: Status | undefined
  readonly sourceIsUp: boolean
  readonly events: readonly string[]
}

export const clockText = (seconds: number): string =>
  [Math.floor(seconds / 60), Math.floor(seconds % 60)]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')

/** Where output is no terminal. */
export function sceneLine({ seconds, books, sentPerSecond, status }: Scene): string {
  const received = books.groups.map(({ group, received }) => {
    const { state, remaining } = status?.groups.find((each) => each.group === group) ?? {}
    const left = state === 'draining' ? ` (${remaining ?? '?'} left on the source)` : ''
    return `${group} ${received}${left}`
  })
  return [
    `${clockText(seconds)} phase ${status?.phase ?? 'unknown'}`,
    `sent ${books.sent}`,
    ...received,
    ...heldTexts(status),
    `${sentPerSecond} records/s`,
  ].join(', ')
}

const heldTexts = (status: Status | undefined): string[] => {
  const held = status?.fence.heldRequests ?? 0
  return held === 0 ? [] : [`${held} requests held`]
}

/** Lines above the top of a terminal cannot be written over, and many have 24. */
const eventsShown = 8

const row = (name: string, text: string): string => `  ${name.padEnd(16)}${text}`

export function sceneLines(scene: Scene): string[] {
  const { books, status, events, sourceIsUp } = scene
  const { phase = 'unknown', waitingFor = [], listeners = [] } = status ?? {}
  const writers = producers.map(({ name, idempotent }) => `${name}${idempotent ? '' : ' (plain)'}`)
  return [
    `kafka-cutover demo   ${clockText(scene.seconds)}   Ctrl-C ends it   ${scene.adminUrl}`,
    row('phase', [phase, ...heldTexts(status)].join(', ')),
    row('waiting for', waitingFor[0] ?? ''),
    row('applications', `all at ${scene.bootstrap}, from the beginning to the end`),
    row('producers', `${writers.join(', ')}: sent ${books.sent}, ${scene.sentPerSecond}/s`),
    ...books.groups.map((group) =>
      row(`group ${group.group}`, groupText(group, books.sent, status)),
    ),
    row(
      'longest pause',
      `producing ${longest(books.pause)} ms, consuming ${Math.max(...books.groups.map(({ pause }) => longest(pause)))} ms`,
    ),
    ...listeners
      .filter(({ nodeId }) => nodeId !== null)
      .map(({ address, nodeId, home }, index) =>
        row(
          index === 0 ? 'brokers' : '',
          `${nodeId} at ${address}: source ${sourceIsUp ? (home.source ?? 'none') : 'off'}, target ${home.target ?? 'none'}`,
        ),
      ),
    ...events.slice(-eventsShown).map((event, index) => row(index === 0 ? 'events' : '', event)),
  ]
}

const longest = ({ beforeMs, cutoverMs }: Books['pause']): number => Math.max(beforeMs, cutoverMs)

function groupText(
  { group, received }: GroupBooks,
  sent: number,
  status: Status | undefined,
): string {
  const members = groups.find(({ name }) => name === group)?.members ?? 0
  const seen = status?.groups.find((each) => each.group === group)
  const counted = `${members} ${members === 1 ? 'member' : 'members'}: received ${received}, lag ${Math.max(0, sent - received)}`
  return seen === undefined ? counted : `${counted}, ${moveText(seen)}`
}

/** Where a group stands in the cutover. */
export function moveText({ state, remaining }: GroupStatus): string {
  switch (state) {
    case 'source':
      return 'on the source'
    case 'draining':
    case 'dormant':
      return `${remaining ?? 'an unknown number of'} records left on the source`
    case 'moving':
      return 'moving to the target'
    case 'moved':
      return 'on the target'
    case 'forgotten':
      return 'forgotten'
  }
}

/** None where standard output is no terminal, whatever the types say. */
const terminalColumns = (): number => process.stdout.columns || 80

/** Writes lines, and on a terminal writes the next ones over them. */
export class Screen {
  readonly #output: Output
  #shown = 0

  constructor(output: Output) {
    this.#output = output
  }

  /** A line longer than the terminal is wide would be two, and not be written over. */
  show(lines: readonly string[]): void {
    const width = Math.max(20, this.#output.columns ?? terminalColumns()) - 1
    const cut = lines.map((line) => stripVTControlCharacters(line).slice(0, width))
    const up = this.#shown > 0 ? `\x1b[${this.#shown}A` : ''
    this.#output.write(`${up}\x1b[J${cut.join('\n')}\n`)
    this.#shown = cut.length
  }

  /** A line that stays. */
  say(line: string): void {
    this.#shown = 0
    this.#output.write(`${line}\n`)
  }
}
