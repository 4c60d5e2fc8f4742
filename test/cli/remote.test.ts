/** The commands that talk to a sidecar, against the real admin API over a fake sidecar. */
import { createServer } from 'node:http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startAdmin, type Admin, type GroupStatus, type Status } from '../../src/admin/index.ts'
import { main } from '../../src/cli/index.ts'
import { progressText } from '../../src/cli/status-text.ts'
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
      topics: [{ source: 'orders', target: 'orders-v2', mode: 'ordered', partitions: [] }],
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

  it('shows how long the fence stood, what is held, and why the last cutover was aborted', async () => {
    const address = await sidecar()
    const show = async (change: Partial<Status>): Promise<string> => {
      source.now = { ...aStatus, ...change }
      return (await cli(['status', '--admin', address])).stdout
    }
    expect(await show({ phase: 'fenced', fence: { durationMs: null, heldRequests: 3 } })).toContain(
      '  fence    3 requests held\n',
    )
    expect(
      await show({ phase: 'target', fence: { durationMs: 212.4, heldRequests: 0 } }),
    ).toContain('  fence    the last one stood 212 ms\n')
    expect(await show({ lastAbort: 'the operator aborted it' })).toContain(
      '  aborted  the operator aborted it\n',
    )
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
        stderr: [
          'refused: there is no target',
          'Now: phase source, everything flows to the source.',
          'Next: kafka-cutover status; allowed now: forget.',
          'Do not point applications at the target directly: it lacks what is on the source.',
          '',
        ].join('\n'),
      })
    }
  })

  it.each([
    ['fenced', 'forward', 'restart applications: what they produce is held'],
    ['spliced', 'forward', 'switch the source off, or point applications at a cluster directly'],
    ['drained', 'backward', 'switch the target off, or point applications at a cluster directly'],
    ['target', 'forward', 'let anybody write to the source'],
  ] as const)(
    'that are refused in phase %s, %s, say what not to do',
    async (phase, direction, not) => {
      source.now = { ...aStatus, phase, direction }
      source.result = { kind: 'refused', error: 'no', allowed: [] }
      const { stderr } = await cli(['cutover', '--admin', await sidecar()])
      expect(stderr).toContain(`Now: phase ${phase}, `)
      expect(stderr).toContain('allowed now: no command.')
      expect(stderr).toContain(`Do not ${not}`)
    },
  )

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

  it('do not wait for a cutover that was aborted', async () => {
    const seen: Status[] = [
      { ...aStatus, phase: 'source', allowed: ['abort'] },
      { ...aStatus, phase: 'fenced', allowed: ['abort'] },
      {
        ...aStatus,
        lastAbort: 'after 5000 ms the fence still waited for the replicas of orders 0',
      },
    ]
    source = new (class extends FakeSource {
      override readonly status = (): Status => (seen.length > 1 ? seen.shift() : seen[0]) ?? aStatus
    })()
    expect(await cli(['cutover', '--admin', await sidecar()])).toEqual({
      code: 3,
      stdout: '',
      stderr: [
        'cutover aborted: after 5000 ms the fence still waited for the replicas of orders 0.',
        'Now: phase source, everything flows to the source; nothing was lost, no record has moved.',
        'Next: see to the reason, then kafka-cutover check, then kafka-cutover cutover again.',
        'Do not point applications at the target directly: it lacks what is on the source.',
        '',
      ].join('\n'),
    })
    expect(seen).toHaveLength(1)
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
        'Do not switch the source off, or point applications at a cluster directly, before phase target.',
        '',
      ].join('\n'),
    })
  })
})

describe('forget --group', () => {
  const group = (change: Partial<GroupStatus>): GroupStatus => ({
    ...{ group: 'billing', state: 'dormant', members: 0 },
    ...{ remaining: 1204, ratePerSecond: null, etaSeconds: null },
    ...change,
  })

  it.each([
    [
      group({}),
      'gives up 1204 records that it has not read; when it returns, it goes on with what was written to the target since the splice',
    ],
    [group({ remaining: null }), 'gives up an unknown number of records that it has not read;'],
    [group({ state: 'moved' }), 'moved already'],
    [
      group({ state: 'draining', members: 2 }),
      'it has 2 members; it reads on, and moves by itself',
    ],
    [group({ group: 'other' }), 'the sidecar does not know of it'],
  ])('says first what that loses: %#', async (row, loss) => {
    source.now = { ...aStatus, phase: 'spliced', groups: [row] }
    source.result = { kind: 'refused', error: 'no', allowed: [] }
    const { code, stdout } = await cli(['forget', '--group', 'billing', '--admin', await sidecar()])
    expect(stdout).toContain(`group billing: ${loss}`)
    expect([code, source.commands]).toEqual([3, [{ name: 'forget', group: 'billing' }]])
  })

  it('of nobody who answers posts nothing', async () => {
    const address = await sidecar()
    await running.splice(0)[0]?.close()
    const { code, stdout } = await cli(['forget', '--group', 'billing', '--admin', address])
    expect([code, stdout, source.commands]).toEqual([1, '', []])
  })
})

describe('offsets', () => {
  const value = {
    ...{ topic: 'orders', partition: 1, offset: 99 },
    source: { topic: 'orders', partition: 1, offset: 99 },
    target: null,
  }

  it('are a small table', async () => {
    source.found = { kind: 'known', value }
    const { code, stdout } = await cli(['offsets', 'orders', '1', '99', '--admin', await sidecar()])
    expect(code).toBe(0)
    expect(stdout).toBe(`clients  orders 1  offset 99
source   orders 1  offset 99
target   not there
`)
    expect(source.asked).toEqual([{ topic: 'orders', partition: 1, offset: 99n }])
  })

  it('are the JSON of the API', async () => {
    source.found = { kind: 'known', value }
    const args = ['offsets', 'orders', '1', '99', '--json', '--admin', await sidecar()]
    expect(JSON.parse((await cli(args)).stdout)).toEqual(value)
  })

  it('of a topic outside the plan exit 3, with the reason', async () => {
    source.found = { kind: 'unknown', error: 'topic a/b&c is not in the plan' }
    expect(await cli(['offsets', 'a/b&c', '0', '1', '--admin', await sidecar()])).toEqual({
      code: 3,
      stdout: '',
      stderr: 'topic a/b&c is not in the plan\n',
    })
    expect(source.asked).toEqual([{ topic: 'a/b&c', partition: 0, offset: 1n }])
  })

  it('that are no numbers exit 2', async () => {
    const { code, stderr } = await cli(['offsets', 'a', '0', '-1', '--admin', await sidecar()])
    expect([code, stderr]).toEqual([2, 'offset: got "-1"; allowed: 0 to 9007199254740991\n'])
  })
})

describe('the progress of a cutover', () => {
  const billing: GroupStatus = {
    ...{ group: 'billing', state: 'draining', members: 3 },
    ...{ remaining: 1200, ratePerSecond: 400, etaSeconds: 3 },
  }
  const moved: GroupStatus = { ...billing, group: 'audit', state: 'moved', remaining: 0 }
  const waitingFor = ['group billing: 1200 records left on orders, 400/s, 3 s', 'group b: to move']

  it.each([
    [[billing, moved], '1 of 2 groups moved, 1200 records left, 400/s, 3 s'],
    [[billing, { ...billing, etaSeconds: null }], '0 of 2 groups moved, 2400 records left, 800/s'],
    [[billing, { ...billing, remaining: null }], '0 of 2 groups moved'],
    [[moved], '1 of 1 groups moved'],
    [[{ ...billing, state: 'source' as const }], ''],
  ])('is in numbers: %#', (groups, facts) => {
    const text = progressText({ ...aStatus, phase: 'spliced', groups, waitingFor })
    const waiting = `waiting for ${waitingFor[0]} (and 1 more)`
    expect(text).toBe(['spliced', facts, waiting].filter((part) => part !== '').join('; '))
  })

  it('is shown to a terminal only, in one line that is taken away at the end', async () => {
    const phases: Status['phase'][] = ['source', 'spliced', 'target']
    source = new (class extends FakeSource {
      override readonly status = (): Status => {
        const phase = (phases.length > 1 ? phases.shift() : phases[0]) ?? 'source'
        return { ...aStatus, phase, allowed: [], groups: [billing] }
      }
    })()
    const { world, deps } = fakeWorld()
    const stderr = { ...deps.stderr, isTTY: true }
    const code = await main(['cutover', '--admin', await sidecar()], { ...deps, stderr })
    expect(code).toBe(0)
    expect(world.stderr).toMatch(/\r\u001b\[Kspliced; 0 of 1 groups moved.*\r\u001b\[K$/)
  })
})
