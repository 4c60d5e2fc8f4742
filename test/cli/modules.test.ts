/** What a command does not need, it does not load: that is most of the time that it takes to start. */
import { beforeAll, describe, expect, it } from 'vitest'
import { moduleTrace, run } from './spawn.ts'

async function loadedBy(...args: string[]): Promise<string> {
  const { stderr } = await run(args, { preload: moduleTrace })
  const loaded = stderr.split('\n').filter((line) => line.startsWith('MODULE '))
  expect(loaded.length).toBeGreaterThan(5)
  return loaded.join('\n')
}

describe('status', () => {
  let loaded: string
  beforeAll(async () => {
    loaded = await loadedBy('status', '--admin', '127.0.0.1:1')
  })

  it('loads the command line', () => {
    expect(loaded).toMatch(/node_modules\/yargs\//)
    expect(loaded).toMatch(/src\/cli\/remote\.ts/)
  })

  it.each(['zod', 'yaml', 'hono', '@hono', 'prom-client', 'kafkajs', 'pino', 'env-paths'])(
    'does not load %s',
    (name) => {
      expect(loaded).not.toContain(`/node_modules/${name}/`)
    },
  )

  it.each(['config', 'proxy', 'protocol', 'cluster', 'router', 'metrics', 'admin'])(
    'does not enter the room %s',
    (room) => {
      expect(loaded).not.toContain(`/src/${room}/`)
    },
  )
})

describe('run', () => {
  it('with flags loads neither kafkajs nor yaml', async () => {
    // Refused for want of --advertise: everything up to the start of the sidecar is loaded.
    const loaded = await loadedBy('run', '--source', 'a:1', '--listen', '0.0.0.0:9092')
    expect(loaded).toContain('/node_modules/zod/')
    expect(loaded).not.toMatch(/\/node_modules\/(kafkajs|yaml|hono)\//)
  })
})
