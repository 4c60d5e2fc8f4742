import { globSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { startEmbeddedCluster } from '../../src/embedded/index.ts'
import {
  endProcess,
  exitOf,
  fetchMetadata,
  freePortRow,
  freePorts,
  spawnTied,
  until,
} from '../kafka/index.ts'
import {
  checkout,
  createProject,
  pack,
  requireRegistry,
  type Project,
  type Tarball,
} from './project.ts'

const registry = await requireRegistry()

/** The oldest that package.json promises, and the one that runs the tests. */
const nodeVersions = ['22.18.0', process.versions.node]

describe.skipIf(!registry)('the npm package', () => {
  let project: Project
  let tarball: Tarball

  beforeAll(async () => {
    project = await createProject()
    tarball = await pack(project.folder)
  })
  afterAll(() => project?.remove())

  test('holds compiled code of every source file, and nothing that is not meant for users', () => {
    const { files, packedBytes, unpackedBytes } = tarball
    console.log(`package: ${packedBytes} bytes, unpacked ${unpackedBytes}, ${files.length} files`)
    const compiled = globSync('**/*.ts', { cwd: join(checkout, 'src') }).map(
      (file) => `dist/${file.replace(/\.ts$/, '.js')}`,
    )
    expect(files.filter((file) => file.startsWith('dist/')).sort()).toEqual(compiled.sort())
    const others = files.filter((file) => !/^(?:dist|config)\//.test(file))
    expect(others.sort()).toEqual(['LICENSE', 'README.md', 'package.json'])
    expect(files).toContain('config/sidecar.yaml')
    expect(files.filter((file) => /\.(?:ts|log|tgz|pem|key)$/.test(file))).toEqual([])
    expect(unpackedBytes).toBeLessThan(3_000_000)
  })

  describe.each(nodeVersions)('installed, on Node %s', (version) => {
    beforeAll(() => project.install(`node@${version}`, tarball.path))

    test('is run by that Node', async () => {
      expect((await project.npx('node', '--version')).stdout.trim()).toBe(`v${version}`)
    })

    test('tells its version and its commands', async () => {
      const asked = await project.npx('kafka-cutover', '--version')
      expect(asked).toMatchObject({ code: 0, stdout: `${manifest.version}\n` })
      const help = await project.npx('kafka-cutover', '--help')
      expect(help.code).toBe(0)
      for (const command of ['run', 'check', 'topics', 'cutover', 'rollback', 'status', 'demo']) {
        expect(help.stdout).toMatch(new RegExp(`^ +kafka-cutover ${command}\\b`, 'm'))
      }
    })

    test('refuses a wrong configuration with exit code 2', async () => {
      const { code, stderr } = await project.npx('kafka-cutover', 'run', '--source', 'nonsense')
      expect(code).toBe(2)
      expect(stderr).toMatch(/^--source: got "nonsense"/m)
    })

    test('serves, and ends on SIGTERM with exit code 0', async () => {
      const cluster = await startEmbeddedCluster({ brokers: 2 })
      const port = await freePortRow(3)
      const [adminPort = 0] = await freePorts(1)
      const bin = join(project.folder, 'node_modules', '.bin')
      const sidecar = spawnTied(
        join(bin, 'node'),
        [
          ...[join(bin, 'kafka-cutover'), 'run', '--source', cluster.bootstrapServers],
          ...['--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${adminPort}`],
        ],
        {
          stdio: 'ignore',
          env: { ...process.env, XDG_DATA_HOME: join(project.folder, 'data') },
        },
      )
      try {
        const isReady = () =>
          fetch(`http://127.0.0.1:${adminPort}/readyz`).then(
            ({ ok }) => ok,
            () => false,
          )
        expect(await until(isReady, 20_000)).toBe(true)
        const metadata = await fetchMetadata('127.0.0.1', port)
        const ports = metadata?.brokers.map((broker) => broker.port)
        expect(ports?.sort()).toEqual([port + 1, port + 2])
      } finally {
        await endProcess(sidecar, 'SIGTERM', 20_000)
        await cluster.stop()
      }
      expect(await exitOf(sidecar)).toBe(0)
    })
  })
})
