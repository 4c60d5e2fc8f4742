import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { run, until } from './index.ts'

const module = new URL('processes.ts', import.meta.url).href
const lives = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('tied processes', () => {
  test.for(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)(
    'end when their parent ends by %s',
    async (signal) => {
      const script = `
        const { spawnTied } = await import(${JSON.stringify(module)})
        console.log(spawnTied('sleep', ['300'], { stdio: 'ignore' }).pid)`
      const parent = spawn(process.execPath, ['--input-type=module', '-e', script])
      const [line] = (await once(parent.stdout, 'data')) as [Buffer]
      const pid = Number(line.toString())
      expect(lives(pid)).toBe(true)
      parent.kill(signal)
      expect(await until(() => !lives(pid), 5_000)).toBe(true)
    },
  )

  test('a command that is not there is an answer, not an exception', async () => {
    expect(await run('kafka-cutover-no-such-command', [])).toMatchObject({ code: 127 })
  })

  test('a command that does not end is killed', async () => {
    const result = await run('sleep', ['300'], { timeoutMs: 100 })
    expect(result.code).not.toBe(0)
    expect(result.stderr).toContain('killed after 100 ms')
  })
})
