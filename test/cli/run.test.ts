import { describe, expect, it } from 'vitest'
import { main, type RunningSidecar } from '../../src/cli/index.ts'
import type { Config } from '../../src/config/index.ts'
import { fakeWorld, idleSidecar, settle } from './deps.ts'

const argv = ['run', '--source', 'a:1']

async function started(sidecar: Partial<RunningSidecar> = {}, args = argv, files: string[] = []) {
  const configs: Config[] = []
  const { world, deps } = fakeWorld({
    startSidecar: (config) => {
      configs.push(config)
      return Promise.resolve({ ...idleSidecar, ...sidecar })
    },
    readFile: () => files.shift() ?? '',
  })
  const ended = main(args, deps)
  await expect.poll(() => world.listensFor('SIGHUP')).toBe(true)
  await settle()
  return { world, ended, configs }
}

describe('run', () => {
  it('starts the sidecar with the configuration of the flags', async () => {
    const { world, ended, configs } = await started()
    world.signal('SIGTERM')
    expect(await ended).toBe(0)
    expect(configs.map(({ source }) => source.bootstrapServers)).toEqual([[{ host: 'a', port: 1 }]])
    expect(world).toMatchObject({ stdout: '', stderr: '', exits: [] })
  })

  it('says why it could not start', async () => {
    const { world, deps } = fakeWorld({
      startSidecar: () => Promise.reject(new Error('listen EADDRINUSE 127.0.0.1:9092')),
    })
    expect(await main(argv, deps)).toBe(1)
    expect(world.stderr).toBe('kafka-cutover could not start: listen EADDRINUSE 127.0.0.1:9092\n')
  })

  it('says why it could not stop', async () => {
    const { world, ended } = await started({ stop: () => Promise.reject(new Error('no')) })
    world.signal('SIGTERM')
    expect(await ended).toBe(1)
    expect(world.stderr).toBe('kafka-cutover could not stop cleanly: no\n')
  })
})

describe('SIGTERM and SIGINT', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('%s stops once, and waits for it', async (signal) => {
    let stops = 0
    let stopped = (): void => {}
    const stop = (): Promise<void> => {
      stops++
      return new Promise((resolve) => (stopped = resolve))
    }
    const { world, ended } = await started({ stop })
    world.signal(signal)
    await settle()
    expect(await Promise.race([ended, Promise.resolve('still stopping')])).toBe('still stopping')
    stopped()
    expect(await ended).toBe(0)
    expect(stops).toBe(1)
  })

  it('a second one does not wait', async () => {
    const { world } = await started({ stop: () => new Promise(() => {}) })
    world.signal('SIGTERM')
    await settle()
    expect(world.exits).toEqual([])
    world.signal('SIGINT')
    expect(world.exits).toEqual([130])
    world.signal('SIGTERM')
    expect(world.exits).toEqual([130, 143])
    expect(world.stderr).toContain('told to stop a second time (SIGINT)')
  })

  it('one that comes while starting stops as soon as it has started', async () => {
    let start: (sidecar: RunningSidecar) => void = () => {}
    const { world, deps } = fakeWorld({
      startSidecar: () => new Promise((resolve) => (start = resolve)),
    })
    const ended = main(argv, deps)
    await expect.poll(() => world.listensFor('SIGTERM')).toBe(true)
    world.signal('SIGTERM')
    world.signal('SIGUSR2')
    let stopped = false
    await settle()
    start({
      ...idleSidecar,
      stop: () => {
        stopped = true
        return Promise.resolve()
      },
    })
    expect(await ended).toBe(0)
    expect(stopped).toBe(true)
  })
})

describe('SIGHUP', () => {
  const yaml = (level: string): string =>
    `source: { bootstrapServers: ['a:1'] }\nlog: { level: ${level} }\n`
  const args = ['run', '--config', 'x.yaml', '--name', 'flag']

  it('reloads the file under the same flags, and names what cannot change', async () => {
    const reloaded: Config[] = []
    const reload = (config: Config): readonly string[] => {
      reloaded.push(config)
      return ['listen.port', 'source']
    }
    const { world, ended } = await started({ reload }, args, [yaml('info'), yaml('debug')])
    world.signal('SIGHUP')
    await expect.poll(() => world.lines.length).toBe(3)
    expect(reloaded.map(({ name, log }) => [name, log.level])).toEqual([['flag', 'debug']])
    const message = 'configuration change needs a restart, the old value stays'
    expect(world.lines).toEqual([
      { level: 'warn', message, value: 'listen.port' },
      { level: 'warn', message, value: 'source' },
      { level: 'info', message: 'configuration reloaded' },
    ])
    world.signal('SIGTERM')
    await ended
  })

  it('refuses a file with a mistake as a whole', async () => {
    let reloads = 0
    const reload = (): readonly string[] => {
      reloads++
      return []
    }
    const { world, ended } = await started({ reload }, args, [yaml('info'), yaml('loud')])
    world.signal('SIGHUP')
    await expect.poll(() => world.lines.length).toBe(2)
    expect(reloads).toBe(0)
    expect(world.lines).toEqual([
      {
        level: 'error',
        message: 'configuration error',
        value:
          'x.yaml:2: log.level: got "loud"; allowed: fatal, error, warn, info, debug, trace, silent; remedy: write one of them',
      },
      { level: 'error', message: 'configuration not reloaded, the old one stays', value: 1 },
    ])
    world.signal('SIGTERM')
    expect(await ended).toBe(0)
  })
})

describe('SIGUSR2', () => {
  it('begins a cutover', async () => {
    const { world, ended } = await started()
    world.signal('SIGUSR2')
    await expect
      .poll(() => world.lines)
      .toEqual([{ level: 'info', message: 'cutover begun by signal' }])
    world.signal('SIGTERM')
    await ended
  })

  it('logs why it is refused, and goes on', async () => {
    const { world, ended } = await started({
      cutover: () => Promise.resolve({ kind: 'refused', error: 'there is no target', allowed: [] }),
    })
    world.signal('SIGUSR2')
    await expect
      .poll(() => world.lines)
      .toEqual([{ level: 'error', message: 'cutover refused', value: 'there is no target' }])
    world.signal('SIGTERM')
    expect(await ended).toBe(0)
  })

  it('logs that it failed, and goes on', async () => {
    const { world, ended } = await started({ cutover: () => Promise.reject(new Error('bug')) })
    world.signal('SIGUSR2')
    await expect.poll(() => world.lines).toEqual([{ level: 'error', message: 'cutover failed' }])
    world.signal('SIGTERM')
    expect(await ended).toBe(0)
  })
})
