import { homedir, hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { configOf } from './load.ts'

const least = { source: '10.0.0.1:9092' }

describe('with all defaults', () => {
  it('is complete', async () => {
    const { stateDir, ...config } = await configOf({ flags: least })
    expect(stateDir.startsWith(homedir())).toBe(true)
    expect(stateDir).toMatch(/kafka-cutover/)
    const name = hostname().replaceAll(/[^\w.-]/g, '-')
    expect(config).toEqual({
      name,
      source: { bootstrapServers: [{ host: '10.0.0.1', port: 9092 }], tls: null, sasl: null },
      target: null,
      listen: {
        host: '127.0.0.1',
        port: 9092,
        advertisedHost: '127.0.0.1',
        tls: null,
        sasl: null,
      },
      admin: { host: '127.0.0.1', port: 9600, token: null },
      cutover: {
        mode: 'ordered',
        topics: null,
        journal: { kind: 'file', path: join(stateDir, `${name}.journal`) },
        fenceDeadlineMs: 5_000,
        carry: false,
        seal: false,
      },
      limits: {
        connectionsMax: null,
        requestBytesMax: 104_857_600,
        rewrittenResponseBytesMax: 104_857_600,
        bufferedBytesMax: 268_435_456,
        inFlightRequestsMax: 1_000,
        connectTimeoutMs: 10_000,
        answerTimeoutMs: 120_000,
        unfinishedRequestTimeoutMs: 60_000,
        unreadAnswerTimeoutMs: 600_000,
        topologyAgeMsMax: 60_000,
        splitFetchWaitMs: 100,
        shutdownTimeoutMs: 25_000,
      },
      log: { level: 'info' },
    })
  })

  it('cannot be changed, however deep', async () => {
    const config = await configOf({ flags: { ...least, topics: 'a' } })
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' ||
      value === null ||
      (Object.isFrozen(value) && Object.values(value).every(frozen))
    expect(frozen(config)).toBe(true)
  })
})

describe('flags', () => {
  const yaml = `
name: from-file
source: { bootstrapServers: [file:1] }
target: { bootstrapServers: [file:2] }
listen: { host: 10.0.0.9, port: 1000, advertisedHost: file }
admin: { port: 2000 }
cutover: { mode: unordered, topics: [file], journal: 'topic:file', carry: true }
log: { level: debug }
`
  it('override the file, each its own key', async () => {
    const config = await configOf({
      yaml,
      flags: {
        source: 'a:1, [::1]:2',
        target: 'b:3',
        listen: '127.0.0.1:4000',
        advertise: 'app.local',
        admin: '[::1]:5000',
        mode: 'ordered',
        topics: 'a,b:b2',
        journal: 'file:j',
        name: 'from-flag',
        logLevel: 'warn',
      },
    })
    expect(config.name).toBe('from-flag')
    expect(config.source.bootstrapServers).toEqual([
      { host: 'a', port: 1 },
      { host: '::1', port: 2 },
    ])
    expect(config.target?.bootstrapServers).toEqual([{ host: 'b', port: 3 }])
    expect(config.listen).toMatchObject({
      host: '127.0.0.1',
      port: 4000,
      advertisedHost: 'app.local',
    })
    expect(config.admin).toEqual({ host: '::1', port: 5000, token: null })
    expect(config.cutover.topics).toEqual([
      { source: 'a', target: 'a', mode: 'ordered', carry: true },
      { source: 'b', target: 'b2', mode: 'ordered', carry: true },
    ])
    // A path in a flag counts from where the command was typed, one in the file from the file.
    expect(config.cutover.journal).toEqual({ kind: 'file', path: resolve('j') })
    expect(config.log.level).toBe('warn')
  })

  it('leave the rest of the file as it is', async () => {
    const config = await configOf({ yaml, flags: { source: 'a:1' } })
    expect(config.name).toBe('from-file')
    expect(config.target?.bootstrapServers).toEqual([{ host: 'file', port: 2 }])
    expect(config.listen).toMatchObject({ host: '10.0.0.9', port: 1000, advertisedHost: 'file' })
    expect(config.admin.port).toBe(2000)
    expect(config.cutover).toMatchObject({ mode: 'unordered', carry: true })
    expect(config.cutover.journal).toEqual({ kind: 'topic', name: 'file' })
  })

  it('do without a section in the file', async () => {
    const config = await configOf({ yaml: 'source:\nlimits:\n', flags: least })
    expect(config.source.bootstrapServers).toEqual([{ host: '10.0.0.1', port: 9092 }])
  })
})

describe('the plan', () => {
  it('takes each way to write a topic', async () => {
    const yaml = `
source: { bootstrapServers: 'a:1' }
cutover:
  carry: true
  topics:
    - orders
    - audit:audit-v2
    - { source: prices, mode: unordered, carry: false }
    - { source: x, target: y }
`
    const { topics } = (await configOf({ yaml })).cutover
    expect(topics).toEqual([
      { source: 'orders', target: 'orders', mode: 'ordered', carry: true },
      { source: 'audit', target: 'audit-v2', mode: 'ordered', carry: true },
      { source: 'prices', target: 'prices', mode: 'unordered', carry: false },
      { source: 'x', target: 'y', mode: 'ordered', carry: true },
    ])
  })
})

describe('secrets', () => {
  const yaml = `
source:
  bootstrapServers: [a:1]
  sasl: { mechanism: PLAIN, username: 'ckafka-1#app', password: { env: PASSWORD } }
admin: { token: { file: secrets/token } }
listen:
  sasl:
    users:
      - { username: one, password: { file: /run/one } }
      - { username: two, password: { env: TWO } }
`
  it('come from the environment and from files beside the configuration', async () => {
    const config = await configOf({
      yaml,
      env: { PASSWORD: ' spaces stay ', TWO: '2' },
      files: { '/etc/secrets/token': 'abc\n', '/run/one': '1\r\n' },
    })
    expect(config.source.sasl).toEqual({
      mechanism: 'PLAIN',
      username: 'ckafka-1#app',
      password: ' spaces stay ',
    })
    expect(config.admin.token).toBe('abc')
    expect(config.listen.sasl?.users).toEqual([
      { username: 'one', password: '1' },
      { username: 'two', password: '2' },
    ])
  })
})

describe('TLS without files', () => {
  it.each([
    ['true', {}],
    ['{}', {}],
    ['false', null],
    ['', null],
    ['{ serverName: kafka.example }', { serverName: 'kafka.example' }],
  ])('tls: %s', async (text, expected) => {
    const yaml = `source:\n  bootstrapServers: [a:1]\n  tls: ${text}\n`
    expect((await configOf({ yaml })).source.tls).toEqual(expected)
  })
})

describe('limits', () => {
  it('are read in every unit', async () => {
    const yaml = `
source: { bootstrapServers: [a:1] }
limits: { connections: 7, requestBytes: 1MiB, bufferedBytes: 200000000, connectTimeout: 250, answerTimeout: 2m }
`
    expect((await configOf({ yaml })).limits).toMatchObject({
      connectionsMax: 7,
      requestBytesMax: 1_048_576,
      bufferedBytesMax: 200_000_000,
      connectTimeoutMs: 250,
      answerTimeoutMs: 120_000,
    })
  })
})
