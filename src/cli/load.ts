import type { ConfigError, Flags, Loaded } from '../config/index.ts'
import type { CliDeps } from './deps.ts'

/** Where a command's configuration comes from. */
export interface ConfigPlace {
  readonly file: string | undefined
  readonly flags: Flags
}

export function load(
  { file, flags }: ConfigPlace,
  { loadConfig, env, readFile }: CliDeps,
): Promise<Loaded> {
  return loadConfig({ file, flags, env, readFile })
}

/** One error per line, on standard error: no port is open yet, and no log. */
export function reportErrors(errors: readonly ConfigError[], { stderr }: CliDeps): void {
  const count = errors.length === 1 ? 'one error' : `${errors.length} errors`
  stderr.write(`kafka-cutover does not start: ${count} in its configuration.\n`)
  for (const { text } of errors) stderr.write(`${text}\n`)
}
