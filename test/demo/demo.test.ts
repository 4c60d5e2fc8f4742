import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { runDemo, startEmbeddedClusters, type DemoOptions } from '../../src/demo/index.ts'
import { apis } from '../../src/protocol/index.ts'
import { startSidecar } from '../../src/sidecar.ts'

const cleanVerdict =
  /^verdict: clean: sent (\d+), received by billing (\d+), received by audit (\d+), lost 0, out of order 0, repeated 0$/

async function demo(options: Partial<DemoOptions>) {
  let written = ''
  const stdout = { isTTY: false, write: (text: string) => void (written += text), columns: 100 }
  const signal = new AbortController().signal
  const code = await runDemo({
    startClusters: startEmbeddedClusters,
    startSidecar,
    stdout,
    stderr: stdout,
    signal,
    seconds: 1,
    ...options,
  })
  return { code, lines: written.trimEnd().split('\n') }
}

describe('the demo', () => {
  test('is a command: a cutover under load, and a clean verdict', async () => {
    const child = spawn(process.execPath, ['src/main.ts', 'demo', '--seconds', '5'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [stdout, stderr] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const [code] = (await once(child, 'close')) as [number | null]
    const lines = stdout.trimEnd().split('\n')
    const [, sent, billing, audit] = cleanVerdict.exec(lines.at(-1) ?? '') ?? []
    expect(Number(sent), stdout).toBeGreaterThan(100)
    expect([billing, audit]).toEqual([sent, sent])
    expect(lines.at(-2)).toMatch(/^longest pause {3}producing \d+ ms .*, consuming \d+ ms /)
    expect(lines.at(-4)).toBe('clusters        both embedded in this process, three brokers each')
    expect(lines.at(-3)).toMatch(
      /^cutover {9}phase target after [\d.]+ s, producing held for \d+ ms, then 1\.\d s without the source$/,
    )
    const events = [
      /POST http:.*\/cutover$/,
      /phase source -> fenced: /,
      /phase fenced -> spliced: /,
      /group billing: moving to the target$/,
      /group billing: on the target$/,
      /group audit: on the target$/,
      /phase drained -> target: /,
      /the source cluster is switched off$/,
    ]
    for (const event of events) expect(stdout).toMatch(new RegExp(event.source, 'm'))
    // A pipe gets lines, and nothing that moves a cursor.
    expect(stdout).not.toContain('\x1b')
    expect(stderr).toBe('')
    expect(code).toBe(0)
  })

  test('finds records that were acknowledged by the target and never written', async () => {
    let inFirstPlace: string | undefined
    const { code, lines } = await demo({
      startClusters: async () => {
        const clusters = await startEmbeddedClusters()
        const { target } = clusters
        let lies = 0
        target.control(
          apis.produce,
          ({ topicData }) => {
            if (++lies !== 20) return undefined
            inFirstPlace = target.log('orders', 5)[0]?.value?.toString()
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
        return clusters
      },
    })
    // It was not empty before the cutover: whoever is given these finds the verdict not clean.
    expect(inFirstPlace).toBe('earlier')
    expect(lines.at(-1)).toMatch(/^verdict: NOT CLEAN: .* lost [1-9]/)
    expect(code).toBe(1)
  })

  test('fails where the cutover is refused, and says why', async () => {
    const { code, lines } = await demo({
      startClusters: async () => {
        const clusters = await startEmbeddedClusters()
        clusters.source.createTopic({ name: 'left-behind', partitions: 1 })
        return clusters
      },
    })
    expect(lines.join('\n')).toMatch(/refused: cutover: .*the target has no topic left-behind/)
    expect(lines.at(-3)).toBe('cutover         not done: phase source')
    expect(lines.at(-1)).toMatch(/^verdict: unfinished: .* lost 0, out of order 0, repeated 0$/)
    expect(code).toBe(1)
  })

  test('ends at once when it is interrupted, with its verdict', async () => {
    const start = performance.now()
    const { code, lines } = await demo({ seconds: 600, signal: AbortSignal.timeout(1_500) })
    expect(performance.now() - start).toBeLessThan(20_000)
    expect(lines.at(-3)).toBe('cutover         not done: phase source')
    expect(lines.at(-1)).toMatch(/^verdict: unfinished: .* lost 0, out of order 0, repeated 0$/)
    expect(code).toBe(1)
  })
})
