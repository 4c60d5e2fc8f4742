/** The demo: clusters, applications and a sidecar in one process, and a verdict on what became of every record. */
export { runDemo, type DemoOptions } from './demo.ts'
export { isClean, Ledger, verdictText, type Receipt, type Verdict } from './ledger.ts'
