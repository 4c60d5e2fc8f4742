import { describe, expect, it } from 'vitest'
import { main, type CheckFinding, type CheckReport } from '../../src/cli/index.ts'
import type { Config } from '../../src/config/index.ts'
import { fakeWorld } from './deps.ts'

const flags = ['--source', '10.0.0.1:9092', '--target', '10.9.0.5:9092']
const finding = (severity: CheckFinding['severity'], subject: string): CheckFinding => ({
  ...{ severity, subject, problem: 'the target has no topic orders' },
  ...{ evidence: 'Metadata does not list it', remedy: 'create it' },
})
const report = (findings: readonly CheckFinding[]): CheckReport => ({
  ready: findings.every(({ severity }) => severity !== 'blocking'),
  everyTopic: true,
  topics: [{ source: 'orders', target: 'orders', partitions: 3 }],
  findings,
})

async function check(found: CheckReport, ...args: readonly string[]) {
  const asked: Config[] = []
  const { world, deps } = fakeWorld({
    check: (config) => {
      asked.push(config)
      return Promise.resolve(found)
    },
  })
  const code = await main(['check', ...args], deps)
  return { code, stdout: world.stdout, stderr: world.stderr, asked }
}

describe('check', () => {
  it('exits 0 when a cutover may begin, and says what to do next', async () => {
    const { code, stdout, stderr, asked } = await check(report([]), ...flags, '--topics', 'a,b:c')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toBe(
      'ready: 1 topic (every topic), 3 partitions\nNext: kafka-cutover cutover, at the running sidecar.\n',
    )
    expect(asked[0]?.cutover.topics?.map(({ source, target }) => [source, target])).toEqual([
      ['a', 'a'],
      ['b', 'c'],
    ])
  })

  it('exits 3 when something blocks, each finding with its evidence and remedy', async () => {
    const found = report([finding('blocking', 'topic orders'), finding('warning', 'topic bills')])
    const { code, stdout } = await check(found, ...flags)
    expect(code).toBe(3)
    expect(stdout).toBe(`blocking  topic orders: the target has no topic orders
          found:  Metadata does not list it
          remedy: create it

warning   topic bills: the target has no topic orders
          found:  Metadata does not list it
          remedy: create it

blocked: 1 finding that blocks, 1 warning
Nothing was changed. A cutover would be refused; see to what blocks, then check again.
`)
  })

  it('prints the report as JSON', async () => {
    const found = report([finding('info', 'topic orders')])
    const { code, stdout } = await check(found, ...flags, '--json')
    expect([code, JSON.parse(stdout)]).toEqual([0, found])
  })

  it('without a target is a usage error', async () => {
    const { code, stdout, stderr, asked } = await check(report([]), '--source', 'a:1')
    expect([code, stdout, asked]).toEqual([2, '', []])
    expect(stderr).toBe(
      '--target: got nothing; allowed: host:port,... of the cluster to move to; remedy: give it, or target.bootstrapServers in the file\n',
    )
  })

  it('refuses a wrong configuration as run does', async () => {
    const { code, stderr, asked } = await check(report([]), '--source', 'a', '--target', 'b:1')
    expect([code, asked]).toEqual([2, []])
    expect(stderr).toContain('one error in its configuration.\n--source: got "a"')
  })
})
