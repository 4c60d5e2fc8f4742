import { hostname } from 'node:os'
import { dirname, resolve } from 'node:path'
import { assemble } from './assemble.ts'
import { checkShape, type Finding } from './check.ts'
import type { Config } from './config.ts'
import { configError, type ConfigError } from './errors.ts'
import { flagFor, overlayFlags, startsWith, type Flags } from './flags.ts'
import { judge } from './rules/index.ts'
import { reason, type Surroundings } from './secrets.ts'
import type { Path, YamlFile } from './yaml.ts'

export interface ConfigInput {
  /** The path of a YAML file. */
  readonly file?: string | undefined
  readonly flags: Flags
  readonly env: Surroundings['env']
  /** @throws what `fs.readFileSync` throws */
  readonly readFile: (path: string) => string
}

export type Loaded =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly errors: readonly ConfigError[] }

/** Reads file, flags and environment, and reports every mistake at once. Opens no port. */
export async function loadConfig(input: ConfigInput): Promise<Loaded> {
  const file = await openFile(input)
  if ('errors' in file) return { ok: false, errors: file.errors }

  const overlay = overlayFlags(file.yaml?.value, input.flags)
  const checked = checkShape(overlay.raw)
  const refused = [...overlay.findings, ...checked.findings]
  const isRefused = (path: Path): boolean =>
    refused.some((finding) => startsWith(finding.path, path) || startsWith(path, finding.path))
  const unruly = judge({ shape: checked.shape, refused: isRefused })

  const base = input.file === undefined ? process.cwd() : dirname(resolve(input.file))
  const { config, findings } = await assemble(checked.shape, {
    env: input.env,
    readFile: input.readFile,
    absolute: (path) => resolve(base, path),
    // A path in a flag is meant from where the command was typed.
    journalFrom: overlay.flagOf(['cutover', 'journal']) === undefined ? base : process.cwd(),
    hostName: hostname().replaceAll(/[^\w.-]/g, '-'),
  })
  const unresolved = findings.filter(({ path }) => !isRefused(path))

  const all = [...refused, ...unruly, ...unresolved]
  if (all.length === 0) return { ok: true, config: deepFrozen(config) }
  const errors = all.map((finding) => located(finding, overlay.flagOf, input.file, file.yaml))
  return { ok: false, errors: errors.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)) }
}

type Opened = { readonly yaml?: YamlFile } | { readonly errors: readonly ConfigError[] }

async function openFile({ file, readFile }: ConfigInput): Promise<Opened> {
  if (file === undefined) return {}
  let text: string
  try {
    text = readFile(resolve(file))
  } catch (error) {
    const given = `"${file}", which cannot be read (${reason(error)})`
    const allowed = 'the path of a YAML file'
    const remedy = 'check the path and that the user of the sidecar may read it'
    return {
      errors: [configError({ at: '--config', file: null, line: null, given, allowed, remedy })],
    }
  }
  // Only who has a file pays for reading one.
  const { parseYaml } = await import('./yaml.ts')
  const yaml = parseYaml(text)
  if (yaml.faults.length === 0) return { yaml }
  return {
    errors: yaml.faults.map(({ line, what: given }) => {
      const remedy = 'correct the line; quote texts that hold : # [ ] { }'
      return configError({ at: 'the file', file, line, given, allowed: 'YAML 1.2', remedy })
    }),
  }
}

function located(
  { path, given, allowed, remedy }: Finding,
  flagOf: (path: Path) => string | undefined,
  file: string | undefined,
  yaml: YamlFile | undefined,
): ConfigError {
  const complaint = { given, allowed, remedy }
  const flag = flagOf(path)
  if (flag !== undefined) return configError({ at: flag, file: null, line: null, ...complaint })
  const text = pathText(path)
  if (file === undefined || yaml === undefined) {
    return configError({ at: flagFor(path) ?? text, file: null, line: null, ...complaint })
  }
  return configError({ at: text, file, line: yaml.lineOf(path), ...complaint })
}

function pathText(path: Path): string {
  const text = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('')
  return text === '' ? 'the file' : text.slice(1)
}

function deepFrozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const child of Object.values(value)) deepFrozen(child)
  }
  return value
}
