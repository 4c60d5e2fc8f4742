/** The commands that talk to a sidecar, against the real admin API over a fake sidecar. */
import { createServer } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startAdmin, type Admin, type Status } from '../../src/admin/index.ts'
import { main } from '../../src/cli/index.ts'
import { aStatus, FakeSource } from '../admin/fake-source.ts'
import { fakeWorld } from './deps.ts'

let source: FakeSource
const running: Admin[] = []

beforeEach(() => {
  source = new FakeSource()
})

afterEach(async () => {
  await Promise.all(running.splice(0).map((admin) => admin.close()))
})

async function sidecar(token: string | null = null): Promise<string> {
  const admin = await startAdmin({ host: '127.0.0.1', port: 0, token, source })
  running.push(admin)
  return `127.0.0.1:${admin.port}`
}

async function cli(args: readonly string[], env: Record<string, string> = {}) {
  const { world, deps } = fakeWorld({ env })
  const code = await main(args, deps)
  return { code, stdout: world.stdout, stderr: world.stderr }
}

describe('status', () => {
  it('is the JSON of the API', async () => {
    const { code, stdout } = await cli(['status', '--json', '--admin', await sidecar()])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual(aStatus)
  })

  it('is a short text', async () => {
    const { code, stdout } = await cli(['status'], { KAFKA_CUTOVER_ADMIN: await sidecar() })
    expect(code).toBe(0)
    expect(stdout).toBe(`app-1: kafka-cutover 0.1.0, pid 4711, up 12 s
  phase    source (forward, ordered)
  source   10.0.0.1:9092
  target   none: a plain pass-through
  clients  2 connections
  allowed  cutover
virtual brokers:
  broker 1  127.0.0.1:9093  source 10.0.0.1:9092
sidecars:
  app-1    seen 0 s ago
`)
  })

  it('shows what a cutover waits for', async () => {
    source.now = {
      ...aStatus,
      phase: 'spliced',
      target: ['b:1'],
      waitingFor: ['group billing: 1204 records left on orders, 410/s, 3 s'],
      groups: [
        {
          group: 'billing',
          state: 'draining',
          members: 3,
          remaining: 1204,
          ratePerSecond: 410,
          etaSeconds: 3,
        },
        {
          group: 'audit',
          state: 'dormant',
          members: 0,
          remaining: null,
          ratePerSecond: null,
          etaSeconds: null,
        },
      ],
      topics: [{ source: 'orders', target: 'orders-v2', partitions: [] }],
    }
    const { stdout } = await cli(['status', '--admin', await sidecar()])
    expect(stdout).toContain(`waiting for:
  group billing: 1204 records left on orders, 410/s, 3 s
virtual brokers:
  broker 1  127.0.0.1:9093  source 10.0.0.1:9092, target -
groups:
  billing  draining  3 members  1204 records left, 410/s, 3 s
  audit    dormant   0 members  - records left, -/s
topics:
  orders to orders-v2  0 partitions
`)
  })

  it('says that nobody answers, and what to do', async () => {
    const address = await sidecar()
    await running.splice(0)[0]?.close()
    expect(await cli(['status', '--admin', address])).toEqual({
      code: 1,
      stdout: '',
      stderr: `no sidecar answers at http://${address} (ECONNREFUSED).\nIs it running? Name its admin address with --admin or KAFKA_CUTOVER_ADMIN.\n`,
    })
  })

  it('does not take another server for a sidecar', async () => {
    const other = createServer((_, response) => void response.end('{"phase":"moon"}'))
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const address = other.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const { code, stderr } = await cli(['status', '--admin', `127.0.0.1:${port}`])
    other.close()
    expect(code).toBe(1)
    expect(stderr).toBe(`http://127.0.0.1:${port} answered 200, not as a sidecar does\n`)
  })
})

describe('cutover, rollback, abort and forget', () => {
  it('exit 3 when they are refused, with the reason', async () => {
    source.result = { kind: 'refused', error: 'there is no target', allowed: ['forget'] }
    const address = await sidecar()
    for (const command of [['cutover'], ['rollback'], ['abort'], ['forget', 'app-2']]) {
      expect(await cli([...command, '--admin', address])).toEqual({
        code: 3,
        stdout: '',
        stderr: 'refused: there is no target\nphase source; allowed now: forget\n',
      })
    }
  })

  it('send what was asked for', async () => {
    const address = await sidecar()
    for (const command of [
      ['cutover', '--no-wait'],
      ['rollback', '--no-wait', '--dormant', 'leave'],
      ['abort'],
      ['forget', 'app-2'],
      ['forget', '--group', 'billing'],
    ]) {
      const { code, stderr } = await cli([...command, '--admin', address])
      expect([code, stderr]).toEqual([0, ''])
    }
    expect(source.commands).toEqual([
      { name: 'cutover', dormant: 'wait' },
      { name: 'rollback', dormant: 'leave' },
      { name: 'abort' },
      { name: 'forget', sidecar: 'app-2' },
      { name: 'forget', group: 'billing' },
    ])
  })

  it('bring the token along', async () => {
    const address = await sidecar('secret-token')
    const without = await cli(['abort', '--admin', address])
    expect(without.code).toBe(1)
    expect(without.stderr).toContain('KAFKA_CUTOVER_TOKEN')
    const env = { KAFKA_CUTOVER_TOKEN: 'secret-token' }
    expect((await cli(['abort', '--admin', address], env)).code).toBe(0)
  })

  it('wait until it is done', async () => {
    const phases: Status['phase'][] = ['fenced', 'spliced', 'target']
    source = new (class extends FakeSource {
      override readonly status = (): Status => {
        const phase = phases.length > 1 ? phases.shift() : phases[0]
        return { ...aStatus, phase: phase ?? 'source' }
      }
    })()
    expect(await cli(['cutover', '--admin', await sidecar()])).toEqual({
      code: 0,
      stdout: 'cutover done: phase target\n',
      stderr: '',
    })
    expect(phases).toEqual(['target'])
  })

  it('a rollback is done only when its direction is forward again', async () => {
    source.now = { ...aStatus, phase: 'source', direction: 'backward' }
    const { code } = await cli(['rollback', '--timeout', '50ms', '--admin', await sidecar()])
    expect(code).toBe(4)
  })

  it('say how things stand when the time is over', async () => {
    source.now = {
      ...aStatus,
      phase: 'spliced',
      allowed: ['rollback'],
      waitingFor: ['group billing: 5 records left on orders'],
    }
    expect(await cli(['cutover', '--timeout', '50ms', '--admin', await sidecar()])).toEqual({
      code: 4,
      stdout: '',
      stderr: [
        'cutover goes on, but did not reach phase target within 0.05 s.',
        'Now: phase spliced, producing goes to the target, groups read the source to its end.',
        'Waiting for: group billing: 5 records left on orders',
        'Next: kafka-cutover status --watch; allowed now: rollback.',
        '',
      ].join('\n'),
    })
  })
})
