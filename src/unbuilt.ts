import type { CutoverConfig } from './config/index.ts'
import type { Finding } from './migrator/index.ts'

/** What the configuration asks for and this version cannot do refuses a cutover, rather than being left out. */
export function unbuiltFindings(cutover: CutoverConfig): readonly Finding[] {
  const { mode, topics, seal, journal } = cutover
  const unordered = (topics ?? []).filter((topic) => topic.mode === 'unordered')
  const findings: Finding[] = []
  if (mode === 'unordered' || unordered.length > 0) {
    const names = unordered.map(({ source }) => source).join(', ')
    const remedy = 'use ordered: it costs producers one pause, far below their timeouts'
    findings.push(
      unbuilt('cutover.mode', `unordered${names === '' ? '' : ` for ${names}`}`, remedy),
    )
  }
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
