import { crc32 } from 'node:zlib'
import { assert } from '../../assert.ts'
import { CutoverError } from '../../errors.ts'
import type { Entry } from '../../router/index.ts'
import { entrySchema, entryText } from './schema.ts'

/**
 * A journal file, format 1: lines of JSON.
 *
 *     {"kind":"kafka-cutover journal","format":1}
 *     {"crc":"9c3f01ab","entry":{"kind":"fence",...}}
 *     {"crc":"04d1e77a","entry":{"kind":"splice",...}}
 *
 * A line's CRC-32 goes on from that of the line before it, over the bytes of its entry: a line that was
 * changed, taken out or put in anywhere shows. A line is appended in one write and acknowledged after
 * fsync: only what follows the last line feed can be half of one, and nobody has relied on it.
 */
export const header = '{"kind":"kafka-cutover journal","format":1}\n'

const kind = 'kafka-cutover journal'
const linePattern = /^\{"crc":"([0-9a-f]{8})","entry":(\{.*\})\}$/
const lineFeed = 0x0a

/** The line of an entry, and the CRC that the next line goes on from. */
export function line(entry: Entry, crc: number): { readonly text: string; readonly crc: number } {
  const json = entryText(entry)
  assert(
    entrySchema.safeParse(JSON.parse(json)).success,
    `a journal could not be read with ${json}`,
  )
  const next = crc32(json, crc)
  return { text: `{"crc":"${next.toString(16).padStart(8, '0')}","entry":${json}}\n`, crc: next }
}

export interface Contents {
  readonly entries: Entry[]
  /** That of the last line. */
  readonly crc: number
  /** The bytes of the header and the lines; what is behind them is half a line. */
  readonly length: number
  /** Whether the last line lacks nothing but its line feed. */
  readonly unfinished: boolean
}

/**
 * Reads a journal's bytes; none at all, or the beginning of a header, are an empty journal.
 * @param path for the errors
 * @throws CutoverError journal_refused
 */
export function parseJournal(bytes: Buffer, path: string): Contents {
  const entries: Entry[] = []
  if (Buffer.from(header).subarray(0, bytes.length).equals(bytes) && bytes.length < header.length) {
    return { entries, crc: 0, length: 0, unfinished: false }
  }
  checkHeader(bytes, path)
  let crc = 0
  let length = header.length
  while (length < bytes.length) {
    const found = bytes.indexOf(lineFeed, length)
    const end = found < 0 ? bytes.length : found
    const read = readLine(bytes.toString('utf8', length, end), crc)
    if (read === undefined && found < 0) break
    const at = `${path}, line ${entries.length + 2}`
    if (read === undefined) throw refused(`${at}, is damaged`, damaged)
    entries.push(entryOf(read.json, at))
    crc = read.crc
    length = end + 1
    if (found < 0) return { entries, crc, length: end, unfinished: true }
  }
  return { entries, crc, length, unfinished: false }
}

function checkHeader(bytes: Buffer, path: string): void {
  if (bytes.subarray(0, header.length).equals(Buffer.from(header))) return
  const end = bytes.indexOf(lineFeed)
  const first = parsed(bytes.toString('utf8', 0, end < 0 ? bytes.length : end))
  if (typeof first !== 'object' || first === null || !('kind' in first) || first.kind !== kind) {
    throw refused(
      `${path}, line 1, does not begin a journal of kafka-cutover`,
      'Name another file for the journal.',
    )
  }
  throw refused(
    `${path} is a journal of format ${'format' in first ? String(first.format) : 'unknown'}`,
    `This version knows format 1. ${newer}`,
  )
}

function readLine(text: string, before: number): { json: string; crc: number } | undefined {
  const [, crcText = '', json = ''] = linePattern.exec(text) ?? []
  const crc = crc32(json, before)
  return crcText !== '' && crc === Number.parseInt(crcText, 16) ? { json, crc } : undefined
}

/** The line is as it was written: what is wrong with it is that another version wrote it. */
function entryOf(json: string, at: string): Entry {
  const value = parsed(json)
  const entry = entrySchema.safeParse(value)
  if (entry.success) return entry.data
  const named = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : null
  throw refused(`${at}, is an entry that this version does not know (${String(named)})`, newer)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const newer = 'Start the version of kafka-cutover that wrote it.'
const damaged =
  'What it decided is not known any more, so nothing is guessed: restore the file from a copy. ' +
  'To begin with an empty journal is safe only if no cutover has ever passed its splice.'

const refused = (what: string, remedy: string): CutoverError =>
  new CutoverError('journal_refused', `${what}. ${remedy}`)
