import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { run, type RunResult } from '../kafka/index.ts'

export const checkout = resolve(import.meta.dirname, '../..')

/**
 * For `describe.skipIf(!(await requireRegistry()))`: an installation needs the packages that ours
 * depends on. `KAFKA_CUTOVER_REQUIRE_REGISTRY=1`, as CI sets it, makes their absence an error.
 */
export async function requireRegistry(): Promise<boolean> {
  const found = await npm(checkout, ['view', 'yargs', 'version'])
  if (found.code === 0) return true
  const message = `the package cannot be installed here: the npm registry does not answer (${found.stderr.trim().slice(0, 300)})`
  if (process.env['KAFKA_CUTOVER_REQUIRE_REGISTRY'] === '1') throw new Error(message)
  console.warn(`skipped: ${message}`)
  return false
}

export interface Tarball {
  readonly path: string
  readonly files: readonly string[]
  readonly packedBytes: number
  readonly unpackedBytes: number
}

/** Builds the code and packs it, as `npm publish` would. */
export async function pack(folder: string): Promise<Tarball> {
  // Else what the build prints stands before the JSON.
  const quiet = ['--foreground-scripts=false', '--json']
  const { code, stdout, stderr } = await npm(checkout, [
    'pack',
    ...quiet,
    '--pack-destination',
    folder,
  ])
  if (code !== 0) throw new Error(`npm pack: ${stdout}${stderr}`)
  const packed: unknown = JSON.parse(stdout)
  const [tarball] = Array.isArray(packed) ? (packed as unknown[]) : []
  const { filename, size, unpackedSize, files } = fields(tarball)
  return {
    path: join(folder, String(filename)),
    packedBytes: Number(size),
    unpackedBytes: Number(unpackedSize),
    files: Object.values(fields(files)).map((file) => String(fields(file)['path'])),
  }
}

function fields(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return { ...value }
  throw new Error(`npm pack --json told ${JSON.stringify(value)}, an object was expected`)
}

/** An empty project of somebody who uses the package. */
export interface Project {
  readonly folder: string
  install(...what: readonly string[]): Promise<void>
  npx(...args: readonly string[]): Promise<RunResult>
  remove(): Promise<void>
}

export async function createProject(): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'kafka-cutover-package-'))
  await writeFile(
    join(folder, 'package.json'),
    // The package `node` needs its install script to become a Node.
    JSON.stringify({ name: 'somebody', private: true, allowScripts: { node: true } }),
  )
  return {
    folder,
    async install(...what) {
      const args = ['install', '--prefer-offline', '--no-audit', '--no-fund', ...what]
      const { code, stdout, stderr } = await npm(folder, args)
      if (code !== 0) throw new Error(`npm ${args.join(' ')}: ${stdout}${stderr}`)
    },
    npx: (...args) => npm(folder, ['exec', '--no', '--', ...args]),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** In `folder`, whatever npm script this runs in. */
const npm = (folder: string, args: readonly string[]) =>
  run('npm', ['--prefix', folder, ...args], { cwd: folder, timeoutMs: 180_000 })
