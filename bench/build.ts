import { copyFile, mkdtemp, symlink } from 'node:fs/promises'
import { rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../test/kafka/index.ts'

export const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Builds the sidecar as `npm run build` does, into a directory of its own: a bench runs for minutes,
 * and the next build in the checkout would replace what is being measured.
 * @returns the command that runs what was built; it is there until this process ends
 */
export async function buildSidecar(): Promise<readonly string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'kafka-cutover-bench-build-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const tsc = join(root, 'node_modules', '.bin', 'tsc')
  const args = ['-p', 'tsconfig.build.json', '--outDir', join(directory, 'dist')]
  const built = await run(tsc, args, { cwd: root })
  if (built.code !== 0)
    throw new Error(`the sidecar does not build: ${built.stdout}${built.stderr}`)
  await copyFile(join(root, 'package.json'), join(directory, 'package.json'))
  await symlink(join(root, 'node_modules'), join(directory, 'node_modules'))
  return [process.execPath, join(directory, 'dist', 'main.js')]
}
