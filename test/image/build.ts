import { copyFile, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { GenericContainer } from 'testcontainers'
import { hasImage, run } from '../kafka/index.ts'

const checkout = resolve(import.meta.dirname, '../..')
const ordinaryBase = 'node:24-slim'

/** The image `kafka-cutover` as the checkout makes it, and what it stands on. */
export interface Built {
  readonly name: string
  readonly base: string
}

/** Builds the code, then the image, as an operator would: the checkout's own Dockerfile. */
export async function buildImage(): Promise<Built> {
  await must('npm', ['run', 'build'])
  const base = (await hasImage(ordinaryBase)) ? ordinaryBase : await standInBase()
  const name = `kafka-cutover-test:${process.pid}`
  await GenericContainer.fromDockerfile(checkout)
    .withBuildArgs({ BASE: base })
    .build(name, { deleteOnExit: false })
  return { name, base }
}

/**
 * Where no image can be pulled: the Node that runs this, and the libraries that it names, and nothing
 * else. There is no shell in it, as there is none in a distroless image.
 */
async function standInBase(): Promise<string> {
  const name = `kafka-cutover-test-base:${process.version}`
  const context = await mkdtemp(join(tmpdir(), 'kafka-cutover-base-'))
  try {
    const node = await realpath(process.execPath)
    const { stdout } = await must('ldd', [node])
    const libraries = stdout.match(/\/\S+(?= \()/g) ?? []
    for (const [from, to] of [
      [node, '/usr/local/bin/node'],
      ...libraries.map((path) => [path, path]),
    ] as const) {
      const target = join(context, 'root', to ?? '')
      await mkdir(dirname(target), { recursive: true })
      await copyFile(from ?? '', target)
    }
    await writeFile(join(context, 'Dockerfile'), 'FROM scratch\nCOPY root/ /\n')
    await GenericContainer.fromDockerfile(context).build(name, { deleteOnExit: false })
    return name
  } finally {
    await rm(context, { recursive: true, force: true })
  }
}

async function must(command: string, args: readonly string[]) {
  const result = await run(command, args, { cwd: checkout, timeoutMs: 120_000 })
  if (result.code === 0) return result
  throw new Error(`${command} ${args.join(' ')}: ${result.stdout}${result.stderr}`)
}
