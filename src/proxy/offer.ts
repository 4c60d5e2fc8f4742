import { intersect, type VersionRanges } from '../cluster/index.ts'
import { apiByKey, apis } from '../protocol/index.ts'
import { noFeatures, routedVersions, type OfferedFeatures } from '../router/index.ts'
import type { ClusterClient } from './cluster-client.ts'

/** The versions that clients are offered: those that every broker of both clusters and the sidecar know. */
export function offeredVersions(
  source: ClusterClient,
  target: ClusterClient | null,
): VersionRanges {
  const brokers = [...source.versions.values(), ...(target?.versions.values() ?? [])]
  const offered = new Map<number, { readonly min: number; readonly max: number }>()
  for (const [key, range] of intersect(brokers.map(({ ranges }) => ranges))) {
    const known = routedVersions(key, apiByKey(key)?.versions, target !== null)
    if (known === undefined) continue
    const min = Math.max(known.min, range.min)
    const max = Math.min(known.max, range.max)
    if (min <= max) offered.set(key, { min, max })
  }
  return offered
}

/** Transaction version 2 makes plain Produce begin transactions (KIP-890): it is never advertised. */
export function offeredFeatures({ versions, features }: ClusterClient): OfferedFeatures {
  if (versions.size === 0) return noFeatures
  const others = (feature: { readonly name: string }): boolean =>
    feature.name !== 'transaction.version'
  return {
    supported: features.supported.filter(others),
    finalized: features.finalized.filter(others),
    finalizedEpoch: features.finalizedEpoch,
  }
}

/**
 * Whether some broker wants each producer's first sequence number to be 0: those before 2.5 (KIP-360), which
 * is told by OffsetFetch, whose v7 came with it (KIP-447).
 */
export function beginsAtZero({ versions }: ClusterClient): boolean {
  const { key } = apis.offsetFetch
  return [...versions.values()].some(({ ranges }) => (ranges.get(key)?.max ?? 7) < 7)
}
