/** The flags of `run`, laid over what the file says. A flag's fault is reported under its own name. */
import { isMapping, type Finding } from './check.ts'
import { shown } from './errors.ts'
import { addressRemedy, parseAddress } from './values.ts'
import type { Path } from './yaml.ts'

export interface Flags {
  readonly source?: string | undefined
  readonly target?: string | undefined
  readonly listen?: string | undefined
  readonly advertise?: string | undefined
  readonly admin?: string | undefined
  readonly mode?: string | undefined
  readonly topics?: string | undefined
  readonly journal?: string | undefined
  readonly name?: string | undefined
  readonly logLevel?: string | undefined
}

/** A flag and the key of the file that it stands for; `address` flags stand for `host` and `port`. */
const flagTable = [
  { flag: '--source', name: 'source', path: ['source', 'bootstrapServers'], address: false },
  { flag: '--target', name: 'target', path: ['target', 'bootstrapServers'], address: false },
  { flag: '--listen', name: 'listen', path: ['listen'], address: true },
  { flag: '--advertise', name: 'advertise', path: ['listen', 'advertisedHost'], address: false },
  { flag: '--admin', name: 'admin', path: ['admin'], address: true },
  { flag: '--mode', name: 'mode', path: ['cutover', 'mode'], address: false },
  { flag: '--topics', name: 'topics', path: ['cutover', 'topics'], address: false },
  { flag: '--journal', name: 'journal', path: ['cutover', 'journal'], address: false },
  { flag: '--name', name: 'name', path: ['name'], address: false },
  { flag: '--log-level', name: 'logLevel', path: ['log', 'level'], address: false },
] as const satisfies readonly {
  flag: string
  name: keyof Flags
  path: Path
  address: boolean
}[]

export interface Overlay {
  readonly raw: unknown
  readonly findings: readonly Finding[]
  /** The flag that set the value at a path. */
  readonly flagOf: (path: Path) => string | undefined
}

export function overlayFlags(fileValue: unknown, flags: Flags): Overlay {
  const raw: unknown = structuredClone(fileValue ?? {})
  const findings: Finding[] = []
  const set: { path: Path; flag: string }[] = []
  for (const { flag, name, path, address } of flagTable) {
    const value = flags[name]
    if (value === undefined) continue
    if (!address) {
      set.push({ path, flag })
      setAt(raw, path, value)
      continue
    }
    const parsed = parseAddress(value)
    for (const key of ['host', 'port'] as const) {
      set.push({ path: [...path, key], flag })
      setAt(raw, [...path, key], parsed?.[key])
    }
    if (parsed === undefined) {
      const [allowed, remedy] = ['host:port, port 1 to 65535', addressRemedy(value)]
      findings.push({ path: [...path, 'host'], given: shown(value), allowed, remedy })
    }
  }
  const flagOf = (path: Path): string | undefined =>
    set.find((entry) => startsWith(path, entry.path))?.flag
  return { raw, findings, flagOf }
}

/** The flag by which a missing value could be given. */
export function flagFor(path: Path): string | undefined {
  return flagTable.find(({ path: flagPath, address }) =>
    address
      ? startsWith(path, flagPath) && ['host', 'port'].includes(String(path[flagPath.length]))
      : startsWith(path, flagPath),
  )?.flag
}

export function startsWith(path: Path, prefix: Path): boolean {
  return prefix.length <= path.length && prefix.every((step, i) => path[i] === step)
}

/** Sets a value, unless the file has something else than a section on the way: that is its own error. */
function setAt(raw: unknown, path: Path, value: unknown): void {
  let section = raw
  for (const step of path.slice(0, -1)) {
    if (!isMapping(section)) return
    section = section[step] ??= {}
  }
  const last = path.at(-1)
  if (!isMapping(section) || last === undefined) return
  if (value === undefined) delete section[last]
  else section[last] = value
}
