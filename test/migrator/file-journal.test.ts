import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../../src/log.ts'
import { openFileJournal } from '../../src/migrator/journal/index.ts'
import type { Entry } from '../../src/router/index.ts'
import { drained, fence, group, splice, target } from '../router/migration/given.ts'
import { journalSuite } from './journal-suite.ts'

const newFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'journal-'))

journalSuite('the file journal', async () => {
  const folder = await newFolder()
  return {
    open: () => openFileJournal(join(folder, 'state', 'journal')),
    remove: () => rm(folder, { recursive: true }),
  }
})

let folder: string
let path: string
beforeEach(async () => {
  folder = await newFolder()
  path = join(folder, 'journal')
})
afterEach(() => rm(folder, { recursive: true }))

const entries = [fence, splice, group('moving'), group('moved', 'grün'), drained, target]

/** The bytes of a journal, which is closed again. */
async function written(...all: readonly Entry[]): Promise<Buffer> {
  const journal = await openFileJournal(path)
  for (const entry of all) await journal.append(entry)
  await journal.close()
  return readFile(path)
}

/** What a journal holds, and what was warned of when it was opened. */
async function reopened(): Promise<{ entries: readonly Entry[]; warnings: unknown[] }> {
  const warnings: unknown[] = []
  const log = { ...silentLog, warn: (keys: object) => warnings.push(keys) }
  const journal = await openFileJournal(path, { log })
  await journal.close()
  return { entries: [...journal.entries], warnings }
}

describe('a journal that a crash cut', () => {
  it('at any byte is what was whole, and goes on from there', async () => {
    const whole = await written(...entries)
    const lineEnds = [...whole.keys()].filter((at) => whole[at] === 0x0a)
    for (let length = 0; length <= whole.length; length++) {
      await writeFile(path, whole.subarray(0, length))
      const found = await reopened()
      // A line that lacks its line feed only is whole. The first line is the header.
      const lines = lineEnds.filter((end) => end <= length).length
      const prefix = entries.slice(0, Math.max(0, lines - 1))
      expect(found.entries).toEqual(prefix)
      const atLine = length === 0 || lineEnds.some((end) => end === length || end + 1 === length)
      if (length > lineEnds[0]!) expect(found.warnings).toHaveLength(atLine ? 0 : 1)
      if (length % 7 !== 0) continue
      await written(target)
      expect((await reopened()).entries).toEqual([...prefix, target])
    }
  })

  it('is told of', async () => {
    const whole = await written(fence, splice)
    await truncate(path, whole.length - 5)
    expect(await reopened()).toEqual({
      entries: [fence],
      warnings: [{ peer: path, value: expect.any(Number) as number }],
    })
    expect((await reopened()).warnings).toEqual([])
  })

  it('by kill -9 holds everything that was acknowledged', async () => {
    let acknowledged = -1
    for (let round = 0; round < 3; round++) {
      const program = join(import.meta.dirname, 'appender.ts')
      const child = spawn(process.execPath, [program, path], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const exited = once(child, 'exit')
      const until = acknowledged + 15
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged = Number(line)
        if (acknowledged === until) child.kill('SIGKILL')
      }
      await exited
      const found = (await reopened()).entries.map((entry) => ('at' in entry ? entry.at : -1))
      expect(found.length).toBeGreaterThan(acknowledged)
      expect(found).toEqual([...found.keys()])
      acknowledged = found.length - 1
    }
  })
})

describe('a journal that cannot grow', () => {
  it('refuses an entry, keeps nothing of it, and takes one when there is room again', async () => {
    await written(...entries)
    // A limit of 1 KiB on files: the write that meets it is cut, the next one fails.
    const program = `trap '' XFSZ; ulimit -f 1; exec "$0" "$@"`
    const appender = join(import.meta.dirname, 'appender.ts')
    const child = spawn('bash', ['-c', program, process.execPath, appender, path, '20'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines: string[] = []
    for await (const line of createInterface({ input: child.stdout })) lines.push(line)
    const acknowledged = lines.filter((line) => /^\d+$/.test(line)).length
    expect(lines).toHaveLength(20)
    expect(acknowledged).toBeLessThan(18)
    expect(lines[19]).toMatch(/^CutoverError: the journal .* could not be written \(EFBIG/)
    const found = await reopened()
    expect(found.entries).toHaveLength(entries.length + acknowledged)
    expect(found.warnings).toEqual([])
    await written(target)
    expect((await reopened()).entries.at(-1)).toEqual(target)
  })
})

describe('a journal is refused', () => {
  const opening = () => openFileJournal(path)

  it('when a byte is damaged anywhere but in half a line', async () => {
    const whole = await written(...entries)
    for (let at = 0; at < whole.length - 1; at++) {
      const damaged = Buffer.from(whole)
      damaged[at]! ^= 1
      await writeFile(path, damaged)
      await expect(opening(), `byte ${at}`).rejects.toMatchObject({ kind: 'journal_refused' })
    }
  })

  it('when a line was taken out, put in twice, or moved, and says which', async () => {
    const lines = (await written(...entries)).toString().split('\n')
    const change = async (changed: readonly string[], line: number): Promise<void> => {
      await writeFile(path, changed.join('\n'))
      await expect(opening()).rejects.toThrow(`${path}, line ${line}, is damaged. What it decided`)
    }
    await change(lines.toSpliced(2, 1), 3)
    await change(lines.toSpliced(2, 0, lines[1] ?? ''), 3)
    await change([...lines.slice(0, 3), lines[4] ?? '', lines[3] ?? '', ...lines.slice(5)], 4)
  })

  it.each([
    [
      '{"kind":"kafka-cutover journal","format":2}\n',
      'is a journal of format 2. This version knows',
    ],
    ['{"kind":"kafka-cutover journal"}', 'is a journal of format unknown'],
    ['broker.id=1\n', 'line 1, does not begin a journal of kafka-cutover. Name another file'],
    ['{"format":1}\n', 'line 1, does not begin a journal'],
    ['\n', 'line 1, does not begin a journal'],
  ])('when it begins with %j, and is left as it was', async (text, reason) => {
    await writeFile(path, text)
    await expect(opening()).rejects.toThrow(reason)
    expect(await readFile(path, 'utf8')).toBe(text)
    await expect(readFile(`${path}.lock`)).rejects.toThrow('ENOENT')
  })

  it.each([
    [
      '{"kind":"rollback","at":1}',
      'line 2, is an entry that this version does not know (rollback)',
    ],
    [
      '{"kind":"drained","at":1,"by":"app-2"}',
      'an entry that this version does not know (drained)',
    ],
    ['{"at":1}', 'an entry that this version does not know (null)'],
  ])('when a newer version wrote %s', async (json, reason) => {
    const { crc32 } = await import('node:zlib')
    const crc = crc32(json).toString(16).padStart(8, '0')
    await writeFile(path, `${(await written()).toString()}{"crc":"${crc}","entry":${json}}\n`)
    await expect(opening()).rejects.toThrow(reason)
  })

  it('when it cannot be reached', async () => {
    await writeFile(path, '')
    await expect(openFileJournal(join(path, 'journal'))).rejects.toMatchObject({
      kind: 'journal_failed',
    })
  })
})

describe('the lock of a journal', () => {
  const lock = (text: string): Promise<void> => writeFile(`${path}.lock`, text)

  it('keeps a second one out until the first is closed', async () => {
    const first = await openFileJournal(path)
    await expect(openFileJournal(path)).rejects.toThrow(`${path} is in use by this process`)
    await first.close()
    await (await openFileJournal(path)).close()
  })

  it('keeps out while its process lives, and names it', async () => {
    await lock(`${process.ppid} ${hostname()}\n`)
    await expect(openFileJournal(path)).rejects.toThrow(
      `in use by process ${process.ppid} on ${hostname()}. Give each sidecar a journal of its own`,
    )
    await lock(`1 elsewhere\n`)
    await expect(openFileJournal(path)).rejects.toThrow('in use by process 1 on elsewhere')
    await lock('')
    await expect(openFileJournal(path)).rejects.toThrow('in use by an unknown process')
  })

  it('is taken over from a process that is gone', async () => {
    const child = spawn(process.execPath, ['-e', ''])
    await once(child, 'exit')
    await lock(`${child.pid} ${hostname()}\n`)
    const journal = await openFileJournal(path)
    expect(await readFile(`${path}.lock`, 'utf8')).toBe(`${process.pid} ${hostname()}\n`)
    await journal.close()
  })

  it('is taken over from an earlier process of the same number', async () => {
    await lock(`${process.pid} ${hostname()}\n`)
    await (await openFileJournal(path)).close()
  })
})
