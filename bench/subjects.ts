import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { openSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endProcess, freePortRow, isRunning, run, spawnTied, until } from '../test/kafka/index.ts'
import type { Broker } from './broker.ts'
import { pinned, type Cores } from './cores.ts'
import { KafkaConnection } from './kafka.ts'

/** A way to the broker: a proxy that is measured, or none. */
export interface Subject {
  readonly name: string
  /** Where a client bootstraps. */
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

/** How a subject is started; some cases need one that nobody has used yet. */
export interface SubjectKind {
  readonly name: string
  /** The only cases in which it takes part; undefined for all. */
  readonly onlyIn?: readonly string[]
  /** `unpinned` to let it have every core. */
  start(options?: { readonly unpinned?: boolean; readonly wait?: boolean }): Promise<Subject>
}

const bareFile = fileURLToPath(new URL('bare.ts', import.meta.url))
const readyTimeoutMs = 20_000
/** Bootstrap, one virtual broker, and the admin port well behind any others. */
const portsPerSidecar = 9

interface Starting {
  readonly name: string
  readonly port: number
  readonly command: readonly string[]
  readonly directory: string
  readonly wait: boolean
}

async function launch({ name, port, command, directory, wait }: Starting): Promise<Subject> {
  const logFile = join(directory, 'log')
  const log = openSync(logFile, 'a')
  const [program = '', ...args] = command
  const env = { ...process.env, XDG_DATA_HOME: directory, XDG_STATE_HOME: directory }
  const child = spawnTied(program, args, { stdio: ['ignore', log, log], env })
  const stop = async () => {
    await endProcess(child, 'SIGTERM', 5_000)
    await rm(directory, { recursive: true, force: true })
  }
  const ready = !wait || (await until(() => !isRunning(child) || answers(port), readyTimeoutMs, 20))
  if (!ready || !isRunning(child)) {
    const tail = readFileSync(logFile, 'utf8').slice(-2_000)
    await stop()
    throw new Error(`${name} does not start (${command.join(' ')}): ${tail}`)
  }
  return { name, port, pid: child.pid ?? 0, stop }
}

async function answers(port: number): Promise<boolean> {
  try {
    const kafka = await KafkaConnection.open(port)
    try {
      await kafka.greet()
      return true
    } finally {
      kafka.close()
    }
  } catch {
    return false
  }
}

interface SidecarFlags {
  readonly name: string
  /** What comes before `run`. */
  readonly command: readonly string[]
  readonly source: string
  readonly target?: string
}

/** A sidecar with state of its own. @returns it, with the address of its admin API */
export async function startSidecar(
  { name, command, source, target }: SidecarFlags,
  { cores, wait }: { readonly cores: Cores | undefined; readonly wait: boolean },
): Promise<Subject & { readonly admin: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'kafka-cutover-bench-sidecar-'))
  const port = await freePortRow(portsPerSidecar)
  const admin = `127.0.0.1:${port + portsPerSidecar - 1}`
  const flags = [
    ...['run', '--source', source, '--listen', `127.0.0.1:${port}`],
    ...['--admin', admin, '--log-level', 'warn'],
    ...(target === undefined ? [] : ['--target', target]),
  ]
  const whole = pinned(cores?.proxy, [...command, ...flags])
  const subject = await launch({ name, port, command: whole, directory, wait })
  return { ...subject, admin: `http://${admin}` }
}

/** A plain pass-through. @param command what comes before `run` */
export function sidecarKind(
  name: string,
  command: readonly string[],
  broker: Broker,
  cores: Cores | undefined,
): SubjectKind {
  return {
    name,
    start: ({ unpinned = false, wait = true } = {}) =>
      startSidecar(
        { name, command, source: `127.0.0.1:${broker.port}` },
        { cores: unpinned ? undefined : cores, wait },
      ),
  }
}

/** TCP mode at its defaults; the timeouts are those without which it warns. */
const haproxyConfig = (broker: Broker) => `
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
frontend kafka
  bind 127.0.0.1:${broker.proxied.haproxy.listenPort}
  default_backend broker
backend broker
  server broker1 127.0.0.1:${broker.proxied.haproxy.brokerPort}
`

export function haproxyKind(broker: Broker, cores: Cores | undefined): SubjectKind {
  return {
    name: 'haproxy',
    async start({ unpinned = false, wait = true } = {}) {
      const directory = await mkdtemp(join(tmpdir(), 'kafka-cutover-bench-haproxy-'))
      const config = join(directory, 'haproxy.cfg')
      await writeFile(config, haproxyConfig(broker))
      // -db: one process in the foreground, the one that is measured.
      const command = ['haproxy', '-db', '-f', config]
      const whole = pinned(unpinned ? undefined : cores?.proxy, command)
      return launch({
        name: 'haproxy',
        port: broker.proxied.haproxy.listenPort,
        command: whole,
        directory,
        wait,
      })
    },
  }
}

/** What Node takes without any knowledge of Kafka. */
export function bareKind(broker: Broker, cores: Cores | undefined): SubjectKind {
  const { listenPort, brokerPort } = broker.proxied.bare
  return {
    name: 'bare',
    async start({ unpinned = false, wait = true } = {}) {
      const directory = await mkdtemp(join(tmpdir(), 'kafka-cutover-bench-bare-'))
      const flags = ['--listen', `127.0.0.1:${listenPort}`, '--to', `127.0.0.1:${brokerPort}`]
      const command = [process.execPath, bareFile, ...flags]
      const whole = pinned(unpinned ? undefined : cores?.proxy, command)
      return launch({ name: 'bare', port: listenPort, command: whole, directory, wait })
    },
  }
}

/** `2.6.12`, or undefined where there is none. */
export async function haproxyVersion(): Promise<string | undefined> {
  const { code, stdout } = await run('haproxy', ['-v'])
  return code === 0 ? /version (\d+(?:\.\d+)+)/.exec(stdout)?.[1] : undefined
}
