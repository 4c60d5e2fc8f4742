import { describe, expect, test } from 'vitest'
import { runDemo, type DemoOptions } from '../../src/demo/index.ts'
import { apis } from '../../src/protocol/index.ts'
import { startSidecar } from '../../src/sidecar.ts'

async function demo(options: Partial<DemoOptions>) {
  let written = ''
  const stdout = { isTTY: false, write: (text: string) => void (written += text), columns: 100 }
  const signal = new AbortController().signal
  const code = await runDemo({
    startSidecar,
    stdout,
    stderr: stdout,
    signal,
    seconds: 4,
    ...options,
  })
  return { code, lines: written.trimEnd().split('\n') }
}

describe('the demo', () => {
  test('restarts a broker and moves leaders, and nothing happens to any record', async () => {
    const { code, lines } = await demo({})
    expect(lines.at(-1)).toMatch(
      /^verdict: sent \d+, received \d+, lost 0, out of order 0, repeated 0, longest pause/,
    )
    expect(lines.filter((line) => / stopped; | started again$| again$/.test(line))).toHaveLength(3)
    expect(lines.filter((line) => / records\/s$/.test(line)).length).toBeGreaterThanOrEqual(3)
    expect(code).toBe(0)
  }, 60_000)

  test('finds records that were acknowledged and never written', async () => {
    let lies = 0
    const { code, lines } = await demo({
      prepare(source) {
        source.control(
          apis.produce,
          ({ topicData }) => {
            if (++lies !== 20) return undefined
            const responses = topicData.map(({ name, partitionData }) => ({
              name,
              partitionResponses: partitionData.map(({ index }) => ({
                index,
                errorCode: 0,
                baseOffset: 0n,
              })),
            }))
            return { kind: 'answer', body: { responses } }
          },
          { keep: true },
        )
      },
      seconds: 1,
    })
    expect(lines.at(-1)).not.toContain('lost 0')
    expect(code).toBe(1)
  }, 60_000)

  test('ends at once when it is interrupted, with its verdict', async () => {
    const start = performance.now()
    const { code, lines } = await demo({ seconds: 600, signal: AbortSignal.timeout(1_500) })
    expect(performance.now() - start).toBeLessThan(20_000)
    expect(lines.at(-1)).toContain('lost 0')
    expect(code).toBe(0)
  }, 60_000)
})
