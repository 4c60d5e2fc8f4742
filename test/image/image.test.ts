import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { startEmbeddedCluster } from '../../src/embedded/index.ts'
import { apis } from '../../src/protocol/index.ts'
import { fetchMetadata, freePorts, until } from '../kafka/index.ts'
import { buildImage, type Built } from './build.ts'
import { runContainer, startContainer } from './container.ts'
import { inspectImage, removeImage, requireDocker } from './engine.ts'

const docker = await requireDocker()

const mebibyte = 2 ** 20
const graceSeconds = 10

const statusOf = async (url: string) => (await fetch(url)).status

describe.skipIf(!docker)('the image', () => {
  let built: Built

  beforeAll(async () => {
    built = await buildImage()
  })
  afterAll(async () => {
    if (built !== undefined) await removeImage(built.name)
  })

  test('is small beside its base, and not for root', async () => {
    const [image, base] = await Promise.all([inspectImage(built.name), inspectImage(built.base)])
    const own = (image.Size - base.Size) / mebibyte
    console.log(
      `image: ${(image.Size / mebibyte).toFixed(1)} MiB on ${built.base}, ${own.toFixed(1)} MiB of them ours`,
    )
    expect(own).toBeGreaterThan(1)
    expect(own).toBeLessThan(25)
    expect(Number(image.Config.User.split(':')[0])).toBeGreaterThan(0)
    expect(image.Config.Entrypoint).toEqual(['node', '/app/dist/main.js'])
  })

  test('holds what runs, and no source, test or tool', async () => {
    const script = `
      const { globSync } = require('node:fs')
      const tools = '/app/node_modules/{vitest,typescript,eslint,node}'
      const patterns = ['/app/dist/**/*.js', '/app/LICENSE', '/app/**/*.ts', tools]
      console.log(...patterns.map((pattern) => globSync(pattern).length))`
    const { exitCode, log } = await runContainer(built.name, ['--version'])
    expect(exitCode).toBe(0)
    expect(log).toContain(manifest.version)
    const sidecar = await startContainer(built.name, '127.0.0.1:1')
    try {
      const [compiled, ...rest] = (await sidecar.evaluate(script)).split(' ').map(Number)
      expect(compiled).toBeGreaterThan(50)
      expect(rest).toEqual([1, 0, 0])
    } finally {
      await sidecar.remove()
    }
  })

  test('says what is wrong with its configuration, with exit code 2', async () => {
    const { exitCode, log } = await runContainer(built.name, [])
    expect(exitCode).toBe(2)
    expect(log).toContain('/etc/kafka-cutover/sidecar.yaml')
  })

  test('lives, but is not ready, while the source is away', async () => {
    const [closed] = await freePorts(1)
    const sidecar = await startContainer(built.name, `127.0.0.1:${closed}`)
    try {
      await until(async () => (await statusOf(`${sidecar.admin}/healthz`)) === 200, 10_000)
      const ready = await fetch(`${sidecar.admin}/readyz`)
      expect(ready.status).toBe(503)
      expect(await ready.text()).toMatch(/^\{"ok":false,"reason":".*source.*"\}$/)
      expect((await sidecar.stop(graceSeconds)).exitCode).toBe(0)
    } finally {
      await sidecar.remove()
    }
  })

  test('serves without root, with nothing to write but its state, and ends cleanly', async () => {
    const topics = [{ name: 'orders', partitions: 3 }]
    const cluster = await startEmbeddedCluster({ brokers: 3, topics })
    const sidecar = await startContainer(built.name, cluster.bootstrapServers)
    const producer = new Kafka({
      brokers: [`127.0.0.1:${sidecar.port}`],
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
    }).producer()
    try {
      const isReady = async () => (await statusOf(`${sidecar.admin}/readyz`)) === 200
      expect(await until(isReady, 15_000)).toBe(true)

      const metadata = await fetchMetadata('127.0.0.1', sidecar.port)
      const ports = metadata?.brokers.map((broker) => broker.port - sidecar.port)
      expect(ports?.sort()).toEqual([1, 2, 3])
      expect(metadata?.partitions.length).toBe(3)

      expect(await sidecar.evaluate('console.log(process.getuid())')).toBe('65532')
      const write = (path: string) =>
        sidecar.evaluate(
          `try { fs.writeFileSync('${path}', ''); console.log('ok') } catch (e) { console.log(e.code) }`,
        )
      expect(await write('/app/dist/main.js')).toBe('EROFS')
      expect(await write('/tmp-file')).toBe('EROFS')
      expect(await write('/var/lib/kafka-cutover/probe')).toBe('ok')
      expect(await sidecar.evaluate(`console.log(fs.readdirSync('.').join())`)).toMatch(
        /virtual-brokers-\w+\.json/,
      )
      const send = (value: string) =>
        producer.send({ topic: 'orders', acks: -1, messages: [{ value, partition: 0 }] })
      await producer.connect()
      await send('before')
      const used = await sidecar.memoryBytes()
      console.log(`memory in the container: ${(used / mebibyte).toFixed(0)} MiB of 256`)
      expect(used).toBeLessThan(200 * mebibyte)

      // A produce that the broker answers only after the container was told to stop.
      let asked = false
      cluster.control(apis.produce, async () => {
        asked = true
        await sleep(2_000)
        return undefined
      })
      const inFlight = send('in flight')
      expect(await until(() => asked, 5_000, 10)).toBe(true)
      const toldAt = performance.now()
      const [{ exitCode }, [answer]] = await Promise.all([sidecar.stop(graceSeconds), inFlight])
      const took = performance.now() - toldAt
      console.log(`docker stop with a request in flight: ${took.toFixed(0)} ms`)
      expect({ exitCode, errorCode: answer?.errorCode }).toEqual({ exitCode: 0, errorCode: 0 })
      expect(took).toBeGreaterThan(1_500)
      expect(took).toBeLessThan(graceSeconds * 1_000)
      const stored = cluster.log('orders', 0).map(({ value }) => value?.toString())
      expect(stored).toEqual(['before', 'in flight'])
    } finally {
      await producer.disconnect()
      await sidecar.remove()
      await cluster.stop()
    }
  })
})
