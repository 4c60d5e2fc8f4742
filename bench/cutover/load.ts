import { mkdtemp } from 'node:fs/promises'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { endProcess, fetchJars, isRunning, run, spawnTied } from '../../test/kafka/index.ts'

/** The Java client that the load is made of. */
export const clientVersion = '4.3.1'

/** How long nothing came, in milliseconds, between the mark and the end. */
export interface Gaps {
  /** Over all partitions. */
  readonly anyMs: number
  /** When that gap ended, from the mark. */
  readonly endedAtMs: number
  readonly partitionMs: readonly number[]
}

/** What `Load.java` prints when it ends. */
export interface LoadFigures {
  readonly ack: Gaps
  readonly read: Gaps
  /** How often each member was given partitions since the mark. */
  readonly rebalances: readonly number[]
  /** Acknowledged in all, with those that were there before. */
  readonly records: number
  /** Acknowledged, and not read in time. */
  readonly lost: number
  readonly repeated: number
  /** Passed over by the group, at first or for good: out of order. */
  readonly skipped: number
  /** Acknowledged or read at another offset than theirs. */
  readonly misplaced: number
  readonly errors: number
  readonly firstError: string
}

export interface LoadOptions {
  readonly bootstrap: string
  readonly topic: string
  readonly group: string
  readonly partitions: number
  /** Records per second. */
  readonly rate: number
  readonly recordBytes: number
  /** How many records the topic has already, from `fill`. */
  readonly from?: number
  /** What each member reads at most, in records per second. */
  readonly readRate?: number
}

export interface Load {
  /** What is measured begins now. */
  mark(): void
  end(): Promise<LoadFigures>
  /** Harmless after the end. */
  kill(): Promise<void>
}

export interface LoadProgram {
  start(options: LoadOptions): Promise<Load>
  /** Writes `count` records as fast as it can. */
  fill(options: Omit<LoadOptions, 'group' | 'rate'>, count: number): Promise<void>
}

/** Compiles the program; what was compiled is there until this process ends. */
export async function buildLoad(): Promise<LoadProgram> {
  const jars = await fetchJars(`kafka-clients-${clientVersion}`, [
    `org.apache.kafka:kafka-clients:${clientVersion}`,
    'org.slf4j:slf4j-simple:1.7.36',
  ])
  const directory = await mkdtemp(join(tmpdir(), 'kafka-cutover-bench-load-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const classPath = join(jars, '*')
  const source = join(import.meta.dirname, 'Load.java')
  const built = await run('javac', ['-nowarn', '-cp', classPath, '-d', directory, source])
  if (built.code !== 0) throw new Error(`Load.java does not compile: ${built.stderr}`)
  const java = (options: Readonly<Record<string, string | number>>) => [
    ...['-Xmx512m', '-XX:+UseSerialGC', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'],
    ...['-cp', [directory, classPath].join(delimiter), 'Load'],
    ...Object.entries(options).map(([name, value]) => `${name}=${value}`),
  ]
  return {
    start: (options) => start(java({ ...options })),
    async fill(options, count) {
      const filled = await run('java', java({ ...options, fill: count }))
      if (filled.code !== 0) throw new Error(`the topic is not filled: ${filled.stderr}`)
    },
  }
}

async function start(args: readonly string[]): Promise<Load> {
  const child = spawnTied('java', args, { stdio: ['pipe', 'pipe', 'inherit'] })
  if (child.stdout === null) throw new Error('the load has no output')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const kill = () => endProcess(child, 'SIGKILL')
  const line = async (what: string): Promise<string> => {
    const timer = setTimeout(() => void kill(), answerTimeoutMs)
    const next = await lines.next()
    clearTimeout(timer)
    if (next.done === true) throw new Error(`the load ended or was silent before: ${what}`)
    return next.value
  }
  const ready = await line('ready')
  if (ready !== 'ready' || !isRunning(child)) throw new Error(`the load said ${ready}`)
  return {
    mark: () => void child.stdin?.write('mark\n'),
    async end() {
      child.stdin?.write('end\n')
      return parseFigures(await line('its figures'))
    },
    kill,
  }
}

const answerTimeoutMs = 120_000

function parseFigures(line: string): LoadFigures {
  const parsed: unknown = JSON.parse(line)
  if (!isFigures(parsed)) throw new Error(`not the figures of a load: ${line}`)
  return parsed
}

/** The program is ours and stands beside this file: one field tells its figures from a stray line. */
const isFigures = (value: unknown): value is LoadFigures =>
  typeof value === 'object' && value !== null && 'misplaced' in value
