import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { cacheDir, fetchJars, run } from '../kafka/index.ts'
import { clients, type ClientFacts, type ClientName } from './catalog.ts'

/** How to start a client's program; the arguments of the workload follow. */
export interface Program {
  readonly client: ClientName
  readonly command: string
  readonly args: readonly string[]
}

export interface Setup {
  readonly programs: ReadonlyMap<ClientName, Program>
  /** Why a client is not there, in words for the person who runs the tests. */
  readonly missing: ReadonlyMap<ClientName, string>
}

const toolchains: Record<ClientFacts['toolchain'], readonly [string, string][]> = {
  java: [
    ['java', '-version'],
    ['javac', '-version'],
    ['mvn', '-v'],
  ],
  python: [['python3', '--version']],
  go: [['go', 'version']],
  node: [],
}

/** Builds the programs of `which` into the cache, one after the other. What is built already is kept. */
export async function setupClients(options: { which: readonly ClientName[] }): Promise<Setup> {
  const programs = new Map<ClientName, Program>()
  const missing = new Map<ClientName, string>()
  for (const client of options.which) {
    const reason = await lacks(clients[client].toolchain)
    if (reason !== undefined) missing.set(client, reason)
    else programs.set(client, await build(client))
  }
  return { programs, missing }
}

async function lacks(toolchain: ClientFacts['toolchain']): Promise<string | undefined> {
  for (const [command, argument] of toolchains[toolchain]) {
    const { code } = await run(command, [argument], { timeoutMs: 30_000 })
    if (code !== 0) return `${command} is not installed`
  }
  return undefined
}

const folderOf = (client: ClientName) =>
  join(import.meta.dirname, client.startsWith('java-') ? 'java' : client)

async function build(client: ClientName): Promise<Program> {
  const sources = folderOf(client)
  switch (clients[client].toolchain) {
    case 'node':
      return { client, command: process.execPath, args: [join(sources, 'client.ts')] }
    case 'go': {
      const built = await buildOnce(client, sources, async (folder) => {
        await must('go', ['build', '-mod=readonly', '-o', join(folder, 'client'), '.'], sources)
      })
      return { client, command: join(built, 'client'), args: [] }
    }
    case 'python': {
      const built = await buildOnce(client, sources, async (folder) => {
        await must('python3', ['-m', 'venv', folder], sources)
        const pip = ['-m', 'pip', 'install', '-q', '--disable-pip-version-check']
        await must(join(folder, 'bin', 'python'), [...pip, '-r', 'requirements.txt'], sources)
      })
      return { client, command: join(built, 'bin', 'python'), args: [join(sources, 'client.py')] }
    }
    case 'java': {
      const { version } = clients[client]
      const jars = await fetchJars(`kafka-clients-${version}`, [
        `org.apache.kafka:kafka-clients:${version}`,
        'org.slf4j:slf4j-simple:1.7.36',
      ])
      const classPath = join(jars, '*')
      const built = await buildOnce(client, sources, async (folder) => {
        await must(
          'javac',
          ['-nowarn', '-cp', classPath, '-d', folder, 'Client.java', 'Reader.java'],
          sources,
        )
      })
      const flags = ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
      const log = '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'
      const args = [...flags, log, '-cp', [built, classPath].join(delimiter), 'Client']
      return { client, command: 'java', args }
    }
  }
}

/** Fills a folder of the cache that is named after what it is made of. @returns the folder */
async function buildOnce(
  client: ClientName,
  sources: string,
  fill: (folder: string) => Promise<void>,
): Promise<string> {
  const digest = createHash('sha256')
  for (const name of (await readdir(sources)).sort()) {
    // A Python program runs from the checkout; only what it needs is built.
    if (!name.endsWith('.py')) digest.update(name).update(await readFile(join(sources, name)))
  }
  const parent = join(cacheDir, 'clients')
  const target = join(parent, `${client}-${digest.digest('hex').slice(0, 12)}`)
  if (existsSync(target)) return target
  await mkdir(parent, { recursive: true })
  const work = await mkdtemp(join(parent, '.building-'))
  try {
    await fill(work)
    await rename(work, target).catch((err: unknown) => {
      if (!existsSync(target)) throw err
    })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return target
}

async function must(command: string, args: readonly string[], cwd: string): Promise<void> {
  const result = await run(command, args, { cwd })
  if (result.code !== 0) {
    throw new Error(`${command} ${args.join(' ')}: ${result.stdout}${result.stderr}`)
  }
}
