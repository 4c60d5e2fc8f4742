import type { CliDeps, RunningSidecar, SignalName } from '../../src/cli/index.ts'
import { loadConfig } from '../../src/config/index.ts'
import type { LogKeys } from '../../src/log.ts'

/** A world that remembers what was said and can send signals. */
export function fakeWorld(
  given: Partial<Pick<CliDeps, 'env' | 'readFile' | 'startSidecar' | 'check' | 'demo'>> = {},
) {
  const listeners = new Map<SignalName, (() => void)[]>()
  const lines: { level: string; message: string; value?: unknown }[] = []
  const world = {
    stdout: '',
    stderr: '',
    exits: [] as number[],
    lines,
    signal(name: SignalName): void {
      for (const listener of listeners.get(name) ?? []) listener()
    },
    listensFor: (name: SignalName): boolean => listeners.has(name),
  }
  const write = (level: string) => (keys: LogKeys, message: string) => {
    lines.push({ level, message, ...(keys.value === undefined ? {} : { value: keys.value }) })
  }
  const deps: CliDeps = {
    version: '1.2.3',
    env: {},
    stdout: { isTTY: false, write: (text) => void (world.stdout += text) },
    stderr: { isTTY: false, write: (text) => void (world.stderr += text) },
    readFile: () => {
      throw Object.assign(new Error(), { code: 'ENOENT' })
    },
    loadConfig,
    startSidecar: () => Promise.resolve(idleSidecar),
    check: () => Promise.resolve({ ready: true, everyTopic: true, topics: [], findings: [] }),
    openLog: () =>
      Promise.resolve({
        error: write('error'),
        warn: write('warn'),
        info: write('info'),
        debug: write('debug'),
      }),
    signals: {
      on: (name, listener) => void listeners.set(name, [...(listeners.get(name) ?? []), listener]),
      exit: (code) => void world.exits.push(code),
    },
    ...given,
  }
  return { world, deps }
}

export const idleSidecar: RunningSidecar = {
  stop: () => Promise.resolve(),
  reload: () => [],
  cutover: () => Promise.resolve({ kind: 'accepted' }),
}

/** Lets everything happen that is ready to. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
}
