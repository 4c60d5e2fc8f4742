import type { CutoverConfig } from './config/index.ts'
import type { Finding } from './migrator/index.ts'

/** What the configuration asks for and this version cannot do refuses a cutover, rather than being left out. */
export function unbuiltFindings(cutover: CutoverConfig): readonly Finding[] {
  const { seal, journal } = cutover
  const findings: Finding[] = []
  if (seal) {
    const remedy =
      'take it out: what is written past the sidecars is counted, and carried to the target'
    findings.push(unbuilt('cutover.seal', 'true', remedy))
  }
  if (journal.kind === 'topic') {
    const remedy = 'use file:PATH, and one sidecar for the plan'
    findings.push(unbuilt('cutover.journal', `topic:${journal.name}`, remedy))
  }
  return findings
}

const unbuilt = (subject: string, evidence: string, remedy: string): Finding => ({
  severity: 'blocking',
  subject,
  problem: 'it is not built yet',
  evidence,
  remedy,
})
