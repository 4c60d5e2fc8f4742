import { stripVTControlCharacters } from 'node:util'
import type { Verdict } from './ledger.ts'

/** What the demo shows: a few lines that are written over on a terminal, one line a second elsewhere. */
export interface Output {
  readonly isTTY: boolean
  readonly write: (text: string) => void
  /** Of the terminal; where they are not given, those of the process's own. */
  readonly columns?: number
}

export interface Scene {
  readonly seconds: number
  readonly secondsTotal: number
  readonly bootstrap: string
  readonly adminUrl: string
  readonly books: Verdict
  readonly sentPerSecond: number
  readonly receivedPerSecond: number
  readonly lag: bigint
  readonly virtualBrokers: readonly VirtualBrokerLine[]
  readonly events: readonly string[]
}

export interface VirtualBrokerLine {
  readonly slot: number
  readonly address: string
  /** The source broker behind it, as the sidecar tells. */
  readonly home: string
  readonly leads: readonly number[]
  readonly isUp: boolean
}

export const clockText = (seconds: number): string =>
  [Math.floor(seconds / 60), Math.floor(seconds % 60)]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')

export function sceneLine({ seconds, books, sentPerSecond, lag }: Scene): string {
  return `${clockText(seconds)} sent ${books.sent}, received ${books.received}, lag ${lag}, ${sentPerSecond} records/s`
}

const row = (name: string, text: string): string => `  ${name.padEnd(16)}${text}`

export function sceneLines(scene: Scene): string[] {
  const { books, virtualBrokers, events } = scene
  return [
    `kafka-cutover demo   ${clockText(scene.seconds)} of ${clockText(scene.secondsTotal)}   Ctrl-C ends it`,
    row('applications', `2 producers, 2 consumers, all at ${scene.bootstrap}`),
    row('sent', `${books.sent} records, ${scene.sentPerSecond}/s`),
    row('received', `${books.received} records, ${scene.receivedPerSecond}/s, lag ${scene.lag}`),
    row(
      'longest pause',
      `${books.longestPauseMs} ms between two acks of a producer for a partition`,
    ),
    ...virtualBrokers.map(({ slot, address, home, leads, isUp }, index) =>
      row(
        index === 0 ? 'virtual brokers' : '',
        `${slot}  ${address}  home: source ${home}${isUp ? '' : ' (down)'}  leads ${leads.join(', ') || 'nothing'}`,
      ),
    ),
    ...events.map((event, index) => row(index === 0 ? 'events' : '', event)),
    row('dashboard', scene.adminUrl),
  ]
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
