import { describe, expect, it } from 'vitest'
import { main } from '../../src/cli/index.ts'
import { fakeWorld } from './deps.ts'

async function cli(...args: string[]) {
  const { world, deps } = fakeWorld()
  const code = await main(args, deps)
  return { code, stdout: world.stdout, stderr: world.stderr }
}

const hint = 'kafka-cutover --help lists the commands, kafka-cutover <command> --help its flags.\n'

describe('what is misused exits 2', () => {
  it.each([
    [[], 'Name a command\n'],
    [['sttus'], 'Did you mean status?\n'],
    [['run', '--sorce', 'a:1'], 'Unknown argument: sorce\nDid you mean --source?\n'],
    [['run', '--log-levl', 'x'], 'Unknown argument: log-levl\nDid you mean --log-level?\n'],
    [['run', '--logLevel', 'x'], 'Unknown argument: logLevel\nDid you mean --log-level?\n'],
    [['run', '--no-source'], 'Unknown argument: no-source\nDid you mean --source?\n'],
    [['run', '--source'], 'Not enough arguments following: source\n'],
    [['run', 'a:1'], 'Unknown argument: a:1\n'],
    [['run', '--name', 'a', '--name', 'b'], '--name was given 2 times; give it once\n'],
    [['status', '--wacht'], 'Unknown argument: wacht\nDid you mean --watch?\n'],
    [['forget'], 'forget takes the name of a sidecar, or --group NAME\n'],
    [['forget', 'a', '--group', 'b'], 'forget takes the name of a sidecar, or --group NAME\n'],
    [['offsets', 'orders', '0'], 'Not enough non-option arguments: got 2, need at least 3\n'],
  ])('%j', async (args, stderr) => {
    expect(await cli(...args)).toEqual({ code: 2, stdout: '', stderr: stderr + hint })
  })

  it.each([
    [['status', '--admin', 'http://a/b'], '--admin: got "http://a/b"; allowed: http://host:port'],
    [['status', '--admin', ''], '--admin: got ""; allowed: http://host:port'],
    [['cutover', '--timeout', 'soon'], '--timeout: got "soon"; allowed: a duration such as 15m'],
    [['cutover', '--dormant', 'kill'], 'Given: "kill", Choices: "wait", "leave"'],
  ])('%j says what is allowed', async (args, part) => {
    const { code, stderr } = await cli(...args)
    expect(code).toBe(2)
    expect(stderr).toContain(part)
  })
})

describe('what is not built yet exits 3', () => {
  it.each([['topics', '--apply', '--config', 'x.yaml'], ['demo']])('%s', async (...args) => {
    expect(await cli(...args)).toEqual({
      code: 3,
      stdout: '',
      stderr: `kafka-cutover ${args[0]} is not built yet. Nothing was done.\n`,
    })
  })
})

describe('help', () => {
  it('names every command of the contract', async () => {
    const { code, stdout, stderr } = await cli('--help')
    expect([code, stderr]).toEqual([0, ''])
    for (const command of [
      ...['run', 'check', 'topics', 'cutover', 'rollback', 'abort', 'status', 'forget'],
      ...['offsets', 'demo'],
    ]) {
      expect(stdout).toMatch(new RegExp(`^ {2}kafka-cutover ${command}\\b`, 'm'))
    }
  })

  it.each([
    [
      'run',
      ['source', 'target', 'listen', 'advertise', 'admin', 'mode', 'topics', 'journal', 'name'],
    ],
    ['run', ['config', 'log-level']],
    ['check', ['source', 'config', 'json']],
    ['topics', ['apply', 'config']],
    ['cutover', ['timeout', 'no-wait', 'dormant', 'admin']],
    ['rollback', ['timeout', 'no-wait', 'dormant', 'admin']],
    ['status', ['watch', 'json', 'admin']],
    ['forget', ['group', 'admin']],
    ['offsets', ['json', 'admin']],
  ])('of %s names %j', async (command, flags) => {
    const { code, stdout } = await cli(command, '--help')
    expect(code).toBe(0)
    for (const flag of flags) expect(stdout).toContain(`--${flag} `)
  })

  it('names the version', async () => {
    expect(await cli('--version')).toEqual({ code: 0, stdout: '1.2.3\n', stderr: '' })
  })
})

describe('the demo', () => {
  it.each([
    [[], { seconds: 20, kafka: false }],
    [['--kafka', '--seconds', '5'], { seconds: 5, kafka: true }],
  ])('with %j', async (flags, expected) => {
    const asked: unknown[] = []
    const { deps } = fakeWorld({
      demo: ({ seconds, kafka }) => {
        asked.push({ seconds, kafka })
        return Promise.resolve(3)
      },
    })
    expect(await main(['demo', ...flags], deps)).toBe(3)
    expect(asked).toEqual([expected])
  })

  it('is given what it needs, and ends on a signal', async () => {
    let aborted = false
    const { world, deps } = fakeWorld({
      demo: async ({ signal, stdout }) => {
        stdout.write('demo\n')
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        aborted = true
        return 0
      },
    })
    const ended = main(['demo'], deps)
    await expect.poll(() => world.stdout).toBe('demo\n')
    world.signal('SIGINT')
    expect(await ended).toBe(0)
    expect(aborted).toBe(true)
  })
})
