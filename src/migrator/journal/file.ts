import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CutoverError } from '../../errors.ts'
import { silentLog, type Log } from '../../log.ts'
import type { Entry } from '../../router/index.ts'
import { header, line, parseJournal, type Contents } from './format.ts'
import type { Journal } from './journal.ts'
import { lock } from './lock.ts'

/**
 * The journal of one sidecar, in a file that is made if there is none. Half a line at its end, from a
 * crash in the middle of an append, is cut off.
 *
 * @throws CutoverError journal_refused: damaged, of another version, in use; journal_failed: unreachable
 */
export async function openFileJournal(
  path: string,
  { log = silentLog }: { readonly log?: Log } = {},
): Promise<Journal> {
  const undo: (() => Promise<void>)[] = []
  try {
    await mkdir(dirname(path), { recursive: true })
    undo.unshift(await lock(path))
    const file = await openOrMake(path)
    undo.unshift(() => file.close())
    const bytes = await file.readFile()
    const contents = parseJournal(bytes, path)
    if (bytes.length > contents.length) {
      log.warn(
        { peer: path, value: bytes.length - contents.length },
        'the end of the journal was cut off: it was being written in a crash',
      )
    }
    const end = await mend(file, contents, path)
    return new FileJournal(path, file, contents, end, undo)
  } catch (error) {
    for (const each of undo) await each()
    if (error instanceof CutoverError) throw error
    throw failed(path, 'could not be opened', error)
  }
}

/** Not in append mode, which would write behind half a line. */
async function openOrMake(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return open(path, 'wx+')
  }
}

/** Makes the file end behind its last whole line. @returns where that is */
async function mend(file: FileHandle, contents: Contents, path: string): Promise<number> {
  const missing = contents.length === 0 ? header : contents.unfinished ? '\n' : ''
  await file.truncate(contents.length)
  await file.write(missing, contents.length)
  await file.sync()
  if (contents.length === 0) await syncDirectory(dirname(path))
  return contents.length + missing.length
}

/** A new file's name is durable only when its directory is. Windows has no such call. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

class FileJournal implements Journal {
  readonly entries: Entry[]
  readonly #path: string
  readonly #file: FileHandle
  readonly #closing: readonly (() => Promise<void>)[]
  #crc: number
  #end: number
  /** Why nothing can be appended any more. */
  #stopped: string | undefined
  #last: Promise<void> = Promise.resolve()

  constructor(
    path: string,
    file: FileHandle,
    { entries, crc }: Contents,
    end: number,
    closing: readonly (() => Promise<void>)[],
  ) {
    this.entries = entries
    this.#path = path
    this.#file = file
    this.#crc = crc
    this.#end = end
    this.#closing = closing
  }

  append(entry: Entry): Promise<void> {
    const appended = this.#last.then(() => this.#write(entry))
    this.#last = appended.catch(() => undefined)
    return appended
  }

  async close(): Promise<void> {
    const closed = this.#last.then(async () => {
      if (this.#stopped === 'closed') return
      this.#stopped = 'closed'
      for (const each of this.#closing) await each()
    })
    this.#last = closed.catch(() => undefined)
    await closed
  }

  async #write(entry: Entry): Promise<void> {
    if (this.#stopped !== undefined) throw failed(this.#path, `is ${this.#stopped}`)
    const { text, crc } = line(entry, this.#crc)
    const bytes = Buffer.from(text)
    try {
      await writeAll(this.#file, bytes, this.#end)
      await this.#file.datasync()
    } catch (error) {
      await this.#takeBack()
      throw failed(this.#path, 'could not be written', error)
    }
    this.#crc = crc
    this.#end += bytes.length
    this.entries.push(entry)
  }

  /** What was not acknowledged must not be found later; if that cannot be had, nothing follows it. */
  async #takeBack(): Promise<void> {
    try {
      await this.#file.truncate(this.#end)
      await this.#file.datasync()
    } catch {
      this.#stopped = 'in an unknown state since a write failed: start the sidecar again'
    }
  }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten
  }
}

function failed(path: string, what: string, cause?: unknown): CutoverError {
  const detail = cause instanceof Error ? ` (${cause.message})` : ''
  return new CutoverError('journal_failed', `the journal ${path} ${what}${detail}`, { cause })
}
