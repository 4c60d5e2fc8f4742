/** The demo: two clusters, applications and a sidecar, a cutover, and a verdict on what became of every record. */
export { NotPlayed, startEmbeddedClusters, type StartClusters } from './clusters.ts'
export { runDemo, type DemoOptions } from './demo.ts'
export { kafkaClusters, type KafkaStarter } from './kafka.ts'
export { Ledger, type Books } from './ledger.ts'
export type { Receipt } from './readings.ts'
export type { Stage } from './stage.ts'
export { isClean, verdictLines, type Outcome } from './verdict.ts'
