#!/usr/bin/env node
/** The composition root: gives the commands what they need of the world. */
import { readFileSync } from 'node:fs'
import module from 'node:module'
import type { CliDeps, Output } from './cli/index.ts'

// Before anything else is loaded: compiled code of the last start saves a third of this one's time.
module.enableCompileCache?.()

const { main } = await import('./cli/index.ts')

// `status | head` closes the pipe: that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1)
})

const output = (stream: NodeJS.WriteStream): Output => ({
  isTTY: stream.isTTY,
  write: (text) => void stream.write(text),
})

const deps: CliDeps = {
  version: packageVersion(),
  env: process.env,
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  readFile: (path) => readFileSync(path, 'utf8'),
  loadConfig: async (input) => (await import('./config/index.ts')).loadConfig(input),
  startSidecar: async (config) => (await import('./sidecar.ts')).startSidecar(config),
  check: async (config) => (await import('./check.ts')).check(config, packageVersion()),
  demo: async ({ kafka, ...args }) => {
    const [{ runDemo, kafkaClusters, startEmbeddedClusters }, { startSidecar }] = await Promise.all(
      [import('./demo/index.ts'), import('./sidecar.ts')],
    )
    const startClusters = kafka ? kafkaClusters(loadKafkaStarter) : startEmbeddedClusters
    return runDemo({ ...args, startClusters, startSidecar })
  },
  openLog: async (level) => (await import('./log.ts')).openLog(level),
  signals: {
    on: (signal, listener) => void process.on(signal, listener),
    exit: (code) => process.exit(code),
  },
}

// A sidecar that has stopped leaves nothing worth waiting for.
process.exit(await main(process.argv.slice(2), deps))

/** It belongs to the tests: no name that the compiler follows, since it is not shipped. */
function loadKafkaStarter(): Promise<unknown> {
  return import(new URL('../test/kafka/index.ts', import.meta.url).href)
}

function packageVersion(): string {
  const file = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  const manifest: unknown = JSON.parse(file)
  const isObject = typeof manifest === 'object' && manifest !== null
  return isObject && 'version' in manifest ? String(manifest.version) : 'unknown'
}
