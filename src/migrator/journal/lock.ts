import { open, readFile, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { CutoverError } from '../../errors.ts'

/** What this process has locked: its own number in a lock may be that of a process before it. */
const held = new Set<string>()

/**
 * Locks a file for this process by a second one beside it, which holds a process id and a host name. The
 * lock of a process that is gone is taken over, also when this process has got its number, as in a
 * container that was started again.
 *
 * @returns how to unlock it
 * @throws CutoverError journal_refused
 */
export async function lock(path: string): Promise<() => Promise<void>> {
  const file = `${resolve(path)}.lock`
  if (held.has(file)) throw refused(path, 'this process')
  held.add(file)
  try {
    if (!(await create(file))) {
      const owner = await ownerOf(file)
      if (owner !== undefined) throw refused(path, owner)
      await rm(file, { force: true })
      if (!(await create(file))) throw refused(path, 'a sidecar that has just been started')
    }
  } catch (error) {
    held.delete(file)
    throw error
  }
  return async () => {
    await rm(file, { force: true })
    held.delete(file)
  }
}

async function create(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx')
    await handle.writeFile(`${process.pid} ${hostname()}\n`)
    await handle.close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Who holds a lock, in words; undefined when that process is gone. */
async function ownerOf(file: string): Promise<string | undefined> {
  const [, pid, host] = /^(\d+) (.*)\n$/.exec(await readFile(file, 'utf8')) ?? []
  if (pid === undefined || host === undefined) return 'an unknown process'
  const owner = `process ${pid} on ${host}`
  if (host !== hostname()) return owner
  return Number(pid) !== process.pid && lives(Number(pid)) ? owner : undefined
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

const refused = (path: string, owner: string): CutoverError =>
  new CutoverError(
    'journal_refused',
    `${path} is in use by ${owner}. Give each sidecar a journal of its own; ` +
      `if no sidecar uses it, remove ${path}.lock.`,
  )
