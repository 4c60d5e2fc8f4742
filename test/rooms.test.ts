import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { breaches, type Laws, type SourceFile } from './rooms/laws.ts'

const laws: Laws = {
  groundStones: ['assert.ts', 'errors.ts', 'ids.ts', 'log.ts', 'observer.ts'],
  mayImport: {
    protocol: [],
    cluster: ['protocol'],
    router: ['protocol', 'cluster'],
    security: [],
    proxy: ['protocol', 'cluster', 'router', 'security'],
    migrator: ['protocol', 'cluster', 'router'],
    metrics: ['protocol'],
    admin: [],
    config: [],
    embedded: ['protocol', 'security'],
    demo: ['embedded', 'config', 'admin'],
    cli: ['config', 'admin'],
  },
  doors: {
    '@hono/node-server': ['admin'],
    'env-paths': ['config'],
    hono: ['admin'],
    kafkajs: ['migrator', 'demo'],
    pino: ['log.ts'],
    // Loaded by pino, by name.
    'pino-pretty': [],
    'prom-client': ['metrics'],
    yaml: ['config'],
    yargs: ['cli'],
    zod: ['config', 'migrator'],
  },
  pure: ['protocol', 'cluster', 'router'],
  pureModules: ['node:zlib'],
}

const root = fileURLToPath(new URL('../src/', import.meta.url))
const files: readonly SourceFile[] = globSync('**/*.ts', { cwd: root }).map((path) => ({
  path: path.replaceAll('\\', '/'),
  text: readFileSync(`${root}${path}`, 'utf8'),
}))

describe('the rooms', () => {
  it('keep their laws', () => {
    expect(files.length).toBeGreaterThan(50)
    expect(breaches(files, laws)).toEqual([])
  })

  it('are opened by a sentence that says what each is for', () => {
    const silent = files
      .filter(({ path }) => path.endsWith('/index.ts') && path.split('/').length === 2)
      .filter(({ text }) => !text.startsWith('/**'))
    expect(silent.map(({ path }) => path)).toEqual([])
  })

  it('have a door for every dependency, and no door for what is none', () => {
    const manifest: unknown = JSON.parse(
      readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
    )
    const dependencies =
      typeof manifest === 'object' && manifest !== null && 'dependencies' in manifest
        ? Object.keys(Object(manifest.dependencies) as object)
        : []
    expect(Object.keys(laws.doors).sort()).toEqual(dependencies.sort())
  })
})

describe('the laws', () => {
  const judge = (path: string, text: string) => breaches([{ path, text }], laws)

  it.each([
    ['proxy/a.ts', "import { Reader } from '../protocol/index.ts'"],
    ['router/rewriters/01-fetch.ts', "import { x } from '../../protocol/index.ts'"],
    ['router/rewriters/01-fetch.ts', "import { x } from '../decision.ts'"],
    ['protocol/a.ts', "import { assert } from '../assert.ts'"],
    ['main.ts', "const { main } = await import('./cli/index.ts')"],
    ['main.ts', "await import('./sidecar.ts')"],
    ['log.ts', "import { pino } from 'pino'"],
    ['config/a.ts', "import type { $ZodIssue } from 'zod/v4/core'"],
    ['router/a.ts', 'interface A { process: number; Date?: string }\nconst a = { random: 1 }'],
    ['protocol/a.ts', "import { inflateSync } from 'node:zlib'\nconst fetch = 1\nf(fetch)"],
    ['router/a.ts', '// Date.now() and Math.random() are arguments here\nconst a = x.performance'],
  ])('allow %s: %s', (path, text) => {
    expect(judge(path, text)).toEqual([])
  })

  it.each([
    ['proxy/a.ts', "import { r } from '../protocol/reader.ts'", 'by the window'],
    ['proxy/a.ts', "const r = await import('../protocol/reader.ts')", 'by the window'],
    ['proxy/a.ts', "export * from '../protocol/reader.ts'", 'by the window'],
    ['protocol/a.ts', "import { x } from '../proxy/index.ts'", 'protocol may not import proxy'],
    ['protocol/a.ts', "import type { X } from '../proxy/index.ts'", 'may not import proxy'],
    ['cli/a.ts', "import { x } from '../proxy/index.ts'", 'cli may not import proxy'],
    ['proxy/a.ts', "import { x } from '../sidecar.ts'", 'which is composed of the rooms'],
    ['ids.ts', "import { x } from './cluster/index.ts'", 'a ground stone imports a room'],
    ['proxy/a.ts', "import { Kafka } from 'kafkajs'", 'kafkajs has its door in migrator, demo'],
    ['proxy/a.ts', "import { pino } from 'pino'", 'pino has its door in log.ts'],
    ['proxy/a.ts', "import _ from 'lodash'", 'lodash has no door'],
    ['utils/a.ts', '', 'utils is no room of the design'],
    ['router/a.ts', "import { connect } from 'node:net'", 'imports node:net'],
    ['router/a.ts', "import type { Log } from '../log.ts'", 'imports the logger'],
    ['router/a.ts', 'const a = Date.now()', 'uses Date'],
    ['router/a.ts', 'const a = new Date()', 'uses Date'],
    ['router/a.ts', 'const a = Math.random()', 'uses Math.random'],
    ['router/a.ts', 'const a = performance.now()', 'uses performance'],
    ['router/a.ts', 'const a = process.env', 'uses process'],
    ['router/a.ts', 'await fetch(url)', 'uses fetch()'],
    ['router/a.ts', 'setTimeout(() => {}, 1)', 'uses setTimeout'],
    ['router/a.ts', 'const a = { now: Date.now }', 'uses Date'],
  ])('refuse %s: %s', (path, text, reason) => {
    const found = judge(path, text)
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(reason)
  })
})
