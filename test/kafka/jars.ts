import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './processes.ts'

/** Where downloads and builds for tests are kept between runs. Never in the checkout. */
export const cacheDir =
  process.env['KAFKA_CUTOVER_TEST_CACHE'] ?? join(tmpdir(), 'kafka-cutover-test-cache')

/** Compares dotted versions number by number. */
export function atLeast(version: string, minimum: string): boolean {
  const have = version.split('.').map(Number)
  for (const [i, want] of minimum.split('.').map(Number).entries()) {
    const part = have[i] ?? 0
    if (part !== want) return part > want
  }
  return true
}

/** One Maven artifact: `group:name:version`. */
export type Artifact = `${string}:${string}:${string}`

function pom(artifacts: readonly Artifact[]): string {
  const dependencies = artifacts.map((artifact) => {
    const [group = '', name = '', version = ''] = artifact.split(':')
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>kafka-cutover</groupId><artifactId>jars</artifactId><version>1</version>
<dependencies>
${dependencies.join('\n')}
</dependencies></project>
`
}

/**
 * Fetches artifacts with all that they need into a folder of the cache.
 * Two processes may do it at once: each fills a folder of its own, and the first to finish wins.
 * @returns the folder
 */
export async function fetchJars(folder: string, artifacts: readonly Artifact[]): Promise<string> {
  const target = join(cacheDir, 'jars', folder)
  if (existsSync(target)) return target
  await mkdir(join(cacheDir, 'jars'), { recursive: true })
  const work = await mkdtemp(join(cacheDir, 'jars', '.fetching-'))
  try {
    await writeFile(join(work, 'pom.xml'), pom(artifacts))
    const jars = join(work, 'jars')
    const result = await run(
      'mvn',
      [
        '-q',
        '-B',
        '-f',
        join(work, 'pom.xml'),
        'dependency:copy-dependencies',
        `-DoutputDirectory=${jars}`,
      ],
      { timeoutMs: 300_000 },
    )
    if (result.code !== 0) {
      throw new Error(
        `mvn could not fetch ${artifacts.join(', ')}: ${result.stdout}${result.stderr}`,
      )
    }
    // Their binding of SLF4J is silent without a configuration; slf4j-simple writes to standard error.
    for (const name of await readdir(jars)) {
      if (/^slf4j-(reload4j|log4j12)/.test(name)) await rm(join(jars, name))
    }
    await rename(jars, target).catch((err: unknown) => {
      if (!existsSync(target)) throw err
    })
    return target
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** The server and all command-line tools of one Kafka version. @returns a Java class path */
export async function kafkaClassPath(version: string): Promise<string> {
  const scala = atLeast(version, '2.5') ? '2.13' : '2.12'
  const jars = await fetchJars(`kafka-${version}`, [
    `org.apache.kafka:kafka_${scala}:${version}`,
    `org.apache.kafka:kafka-tools:${version}`,
    'org.slf4j:slf4j-simple:1.7.36',
  ])
  return join(jars, '*')
}
