/**
 * Lays out the files of the image, inside `docker build`: `node scripts/image-files.ts FOLDER`.
 *
 *     FOLDER/app     compiled code, and the production dependencies exactly as the lockfile has them
 *     FOLDER/state   an empty folder, which becomes the volume for the state
 *
 * It needs Node alone, since the base image may have neither a shell nor npm nor a network: what the
 * checkout has built (`npm ci && npm run build`) is used as it is. Without it, npm builds it here.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { argv, exit } from 'node:process'

/** What a program never reads at run time. */
const deadWeight = /\.(?:map|md|markdown|[cm]?ts|tsbuildinfo)$/i
const licence = /^(?:licen[cs]e|notice|copying)/i

function fail(message: string): never {
  console.error(message)
  exit(1)
}

/** Builds where nothing is built yet; refuses compiled code that is older than its source. */
function provideCompiledCode(): void {
  if (!existsSync('dist/main.js')) {
    try {
      execFileSync('npm', ['ci'], { stdio: 'inherit' })
      execFileSync('npm', ['run', 'build'], { stdio: 'inherit' })
    } catch (error) {
      fail(
        `The checkout is not built, and npm could not build it here (${String(error)}).\n` +
          'Run npm ci && npm run build in the checkout, then docker build again.',
      )
    }
    return
  }
  const compiledAt = statSync('dist/main.js').mtimeMs
  const newer = globSync('src/**/*.ts').find((file) => statSync(file).mtimeMs > compiledAt)
  if (newer !== undefined) {
    fail(`dist is older than ${newer}. Run npm run build, or delete dist, then docker build again.`)
  }
}

/** @returns the folders of all production dependencies, as `node_modules/...` */
function productionFolders(): string[] {
  const lock = fields(JSON.parse(readFileSync('package-lock.json', 'utf8')))
  return Object.entries(fields(lock['packages'])).flatMap(([folder, entry]) => {
    const { dev, devOptional, optional } = fields(entry)
    if (folder === '' || dev === true || devOptional === true) return []
    if (existsSync(folder)) return [folder]
    return optional === true ? [] : fail(`${folder} is not installed. Run npm ci in the checkout.`)
  })
}

function fields(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null) return { ...value }
  return fail('package-lock.json is not as npm 7 and later write it.')
}

function copy(folder: string, to: string): void {
  cpSync(folder, to, {
    recursive: true,
    // Dependencies of a dependency have entries of their own in the lockfile.
    filter: (path) =>
      path === folder ||
      (basename(path) !== 'node_modules' &&
        (licence.test(basename(path)) || !deadWeight.test(path))),
  })
}

const target = argv[2] ?? fail('Name the folder to fill.')
const app = join(target, 'app')
provideCompiledCode()
mkdirSync(join(target, 'state'), { recursive: true })
mkdirSync(app, { recursive: true })
copy('dist', join(app, 'dist'))
for (const folder of productionFolders()) copy(folder, join(app, folder))
for (const file of ['package.json', 'LICENSE']) cpSync(file, join(app, file))
