/** Implements the observer, and renders what it saw for Prometheus. */
import type { Observer } from '../observer.ts'
import type { Direction, Phase } from './definitions.ts'
import { openRegistry, type Standing } from './registry.ts'
import { Tally } from './tally.ts'

export interface Metrics {
  readonly observer: Observer
  /** Connections from applications, now. */
  readonly downstreamConnections: () => number
  /** Notes a transition; the first phase is `source`, `forward`. */
  readonly entered: (phase: Phase, direction: Direction) => void
  /** Prometheus' text format. */
  readonly render: () => Promise<Rendered>
}

export interface Rendered {
  readonly contentType: string
  readonly body: string
}

export function createMetrics(version: string): Metrics {
  const tally = new Tally()
  const standing: Standing = { phase: 'source', direction: 'forward', transitions: new Map() }
  const registry = openRegistry(version, tally, standing)
  return {
    observer: tally,
    downstreamConnections: () => tally.downstreamConnections,
    entered(phase, direction) {
      const from = standing.phase
      const key = `${from} ${phase}`
      const count = (standing.transitions.get(key)?.count ?? 0) + 1
      standing.transitions.set(key, { from, to: phase, count })
      standing.phase = phase
      standing.direction = direction
    },
    async render() {
      return { contentType: registry.contentType, body: await registry.metrics() }
    },
  }
}
