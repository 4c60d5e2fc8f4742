/** The sidecar as a process: ports, signals, exit codes. Its source is a port where nobody listens. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { run, start } from './spawn.ts'

let folder: string
const children: ChildProcessWithoutNullStreams[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kafka-cutover-'))
})

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

/** Ports that are free now, far enough apart for virtual brokers. */
async function freePorts(): Promise<{ listen: number; admin: number; nobody: number }> {
  const servers = [createServer(), createServer(), createServer()]
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const address = server.address()
      return typeof address === 'object' && address !== null ? address.port : 0
    }),
  )
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  const [listen = 0, admin = 0, nobody = 0] = ports
  return { listen, admin, nobody }
}

async function sidecar() {
  const { listen, admin, nobody } = await freePorts()
  const file = join(folder, 'sidecar.yaml')
  const write = (level: string): void =>
    writeFileSync(
      file,
      `stateDir: state
source: { bootstrapServers: ['127.0.0.1:${nobody}'] }
listen: { port: ${listen} }
admin: { port: ${admin} }
log: { level: ${level} }
`,
    )
  write('info')
  const child = start(['run', '--config', file])
  children.push(child)
  let log = ''
  child.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const says = (text: string | RegExp) => expect.poll(() => log, { timeout: 20_000 }).toMatch(text)
  await says('the sidecar listens for applications')
  return { child, write, says, listen, admin: `127.0.0.1:${admin}` }
}

async function exitOf(child: ChildProcessWithoutNullStreams): Promise<number | string | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode ?? child.signalCode
}

describe('a running sidecar', () => {
  it('shows its status, refuses a cutover without a target, and stops on SIGTERM with 0', async () => {
    const { child, admin } = await sidecar()
    const status = await run(['status', '--json', '--admin', admin])
    expect(status.code).toBe(0)
    expect(JSON.parse(status.stdout)).toMatchObject({
      pid: child.pid,
      phase: 'source',
      direction: 'forward',
      target: null,
    })
    const cutover = await run(['cutover'], { env: { KAFKA_CUTOVER_ADMIN: admin } })
    expect(cutover.code).toBe(3)
    expect(cutover.stderr).toMatch(
      /^refused: .*target.*\nNow: phase source, everything .* the source\.\n/,
    )
    expect(cutover.stderr).toContain('\nNext: kafka-cutover status; allowed now: no command.\n')
    child.kill('SIGTERM')
    expect(await exitOf(child)).toBe(0)
  })

  it('lives through SIGUSR2 and SIGHUP, says what came of them, and stops on SIGINT with 0', async () => {
    const { child, write, says } = await sidecar()
    child.kill('SIGUSR2')
    await says('cutover refused')
    child.kill('SIGHUP')
    await says('"configuration reloaded"')
    write('loud')
    child.kill('SIGHUP')
    await says('configuration not reloaded, the old one stays')
    await says('log.level: got \\"loud\\"')
    child.kill('SIGINT')
    expect(await exitOf(child)).toBe(0)
  })

  it('exits 1 when a port is taken, and says which', async () => {
    const { listen } = await sidecar()
    const { nobody, admin } = await freePorts()
    const second = await run([
      ...['run', '--source', `127.0.0.1:${nobody}`, '--listen', `127.0.0.1:${listen}`],
      ...['--admin', `127.0.0.1:${admin}`],
    ])
    expect(second.code).toBe(1)
    expect(second.stderr).toContain('kafka-cutover could not start: ')
    expect(second.stderr).toContain(String(listen))
  })
})

describe('status --watch', () => {
  it('goes on until it is told to stop, also while the sidecar is away', async () => {
    const { child, admin } = await sidecar()
    const watch = start(['status', '--watch', '--json', '--admin', admin])
    children.push(watch)
    let shown = ''
    let complaints = ''
    watch.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()))
    watch.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()))
    await expect.poll(() => shown.split('\n').length, { timeout: 20_000 }).toBeGreaterThan(2)
    for (const line of shown.trimEnd().split('\n')) {
      expect(JSON.parse(line)).toMatchObject({ pid: child.pid })
    }
    child.kill('SIGTERM')
    await exitOf(child)
    await expect.poll(() => complaints, { timeout: 20_000 }).toContain('no sidecar answers at')
    expect(watch.exitCode).toBeNull()
    watch.kill('SIGINT')
    expect(await exitOf(watch)).toBe('SIGINT')
  })
})
