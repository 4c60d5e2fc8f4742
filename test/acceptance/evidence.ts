import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Report } from '../cutover/scenario.ts'

const folder = resolve(import.meta.dirname, '../../.acceptance/evidence')

/** Keeps what a cutover that failed has shown: what every client told, the phases, and the sidecar's log. */
export async function keepEvidence(name: string, report: Report): Promise<void> {
  const { evidence, flip, killed, findings } = report
  await mkdir(folder, { recursive: true })
  const { log, history } = evidence
  await writeFile(join(folder, `${name}.json`), JSON.stringify({ findings, killed, flip, history }))
  await writeFile(join(folder, `${name}.log`), log)
}

/** The same of a named scenario: one text. */
export async function keepLog(name: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, `${name}.log`), text)
}
