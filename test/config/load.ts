import { loadConfig, type Config, type Flags } from '../../src/config/index.ts'

interface Given {
  readonly yaml?: string
  readonly flags?: Flags
  readonly env?: Record<string, string>
  /** By absolute path. */
  readonly files?: Record<string, string>
}

/** Loads from texts; the file is called `/etc/sidecar.yaml`. */
function load({ yaml, flags = {}, env = {}, files = {} }: Given) {
  const all: Record<string, string> = { ...files }
  if (yaml !== undefined) all['/etc/sidecar.yaml'] = yaml
  return loadConfig({
    file: yaml === undefined ? undefined : '/etc/sidecar.yaml',
    flags,
    env,
    readFile: (path) => {
      const text = all[path]
      if (text === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' })
      return text
    },
  })
}

export async function configOf(given: Given): Promise<Config> {
  const loaded = await load(given)
  if (loaded.ok) return loaded.config
  throw new Error(loaded.errors.map(({ text }) => text).join('\n'))
}

/** The error lines; none if the configuration is good. */
export async function errorsOf(given: Given): Promise<readonly string[]> {
  const loaded = await load(given)
  return loaded.ok ? [] : loaded.errors.map(({ text }) => text)
}
