import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { releases, startEmbeddedCluster, type EmbeddedCluster } from '../../src/embedded/index.ts'

const isInstalled = spawnSync('kcat', ['-V']).status === 0
if (!isInstalled) console.warn('skipped: kcat is not installed')

let cluster: EmbeddedCluster

async function kcat(args: readonly string[], input = ''): Promise<string> {
  const child = spawn('kcat', ['-b', cluster.bootstrapServers, ...args], { timeout: 30_000 })
  child.stdin.end(input)
  const output = text(child.stdout)
  const errors = text(child.stderr)
  await once(child, 'close')
  if (child.exitCode !== 0) throw new Error(`kcat ${args.join(' ')}: ${await errors}`)
  return output
}

const lines = (output: string) => output.split('\n').filter(Boolean)
const numbers = Array.from({ length: 1000 }, (_, index) => String(index))

afterEach(() => cluster.stop())

describe.skipIf(!isInstalled).each([
  ['a present broker', {}],
  ['Kafka 2.4', releases['2.4']],
  ['Kafka 2.8', releases['2.8']],
])('kcat with %s', (_name, versions) => {
  beforeEach(async () => {
    cluster = await startEmbeddedCluster({
      ...{ brokers: 3, versions, topics: [{ name: 'orders', partitions: 3 }] },
    })
  })

  test('lists what there is', async () => {
    const output = await kcat(['-L'])
    expect(output).toContain('3 brokers:')
    expect(output).toContain('topic "orders" with 3 partitions:')
    expect(output).toContain('partition 2, leader 3, replicas: 3,1,2, isrs: 3,1,2')
  })

  test.each(['none', 'gzip', 'lz4', 'snappy', 'zstd'])(
    'writes with compression %s and reads the same',
    async (codec) => {
      const options = ['-X', 'enable.idempotence=true', '-z', codec, '-t', 'orders']
      await kcat(['-P', ...options], `${numbers.join('\n')}\n`)
      const read = lines(await kcat(['-C', '-t', 'orders', '-o', 'beginning', '-e', '-q']))
      expect(read.map(Number).sort((a, b) => a - b)).toEqual(numbers.map(Number))
    },
  )

  test('reads in a group, commits, and goes on where it was', async () => {
    await kcat(['-P', '-t', 'orders'], `${numbers.join('\n')}\n`)
    const group = ['-G', 'g', '-q', '-e', '-X', 'auto.offset.reset=earliest', 'orders']
    expect(lines(await kcat(group))).toHaveLength(1000)
    await kcat(['-P', '-t', 'orders', '-p', '1'], 'last\n')
    expect(lines(await kcat(group))).toEqual(['last'])
  })

  test('asks for the offset of a time', async () => {
    await kcat(['-P', '-t', 'orders', '-p', '0'], 'x\n')
    expect(await kcat(['-Q', '-t', 'orders:0:-1'])).toBe('orders [0] offset 1\n')
    expect(await kcat(['-Q', '-t', 'orders:0:-2'])).toBe('orders [0] offset 0\n')
  })
})
