import type { VersionRanges } from '../cluster/index.ts'
import { CutoverError } from '../errors.ts'
import type { NodeId } from '../ids.ts'
import {
  apis,
  decodeResponse,
  decodeResponseHeader,
  errorName,
  type ApiVersionsResponse,
} from '../protocol/index.ts'
import { noFeatures, type OfferedFeatures } from '../router/index.ts'
import type { Upstream } from './upstream.ts'

/** What one broker offers. */
export interface BrokerVersions {
  readonly ranges: VersionRanges
  readonly features: OfferedFeatures
}

/** What the brokers of a cluster offer: by node id; -1 while only a bootstrap server was asked. */
export class OfferedVersions extends Map<NodeId | -1, BrokerVersions> {
  /** The highest version, at most `known`, that every broker asked so far offers. */
  highest(apiKey: number, known: number): number {
    let max = known
    for (const { ranges } of this.values()) max = Math.min(max, ranges.get(apiKey)?.max ?? max)
    return max
  }

  /** Whether every broker asked so far offers an API. */
  offers(apiKey: number): boolean {
    return [...this.values()].every(({ ranges }) => ranges.has(apiKey))
  }

  /** The newest features that were told of. */
  get features(): OfferedFeatures {
    let best: OfferedFeatures | undefined
    for (const { features } of this.values()) {
      if (best === undefined || features.finalizedEpoch > best.finalizedEpoch) best = features
    }
    return best ?? noFeatures
  }
}

/** Asks a broker what it offers; one that does not know the version asked in answers in version 0 (KIP-511). */
export async function askVersions(
  upstream: Upstream,
  clientSoftwareVersion: string,
): Promise<BrokerVersions> {
  const api = apis.apiVersions
  const newest = await upstream.requestAnswer(api, 3, {
    clientSoftwareName: 'kafka-cutover',
    clientSoftwareVersion,
  })
  // Both versions begin alike.
  const { bodyOffset } = decodeResponseHeader(api, 3, newest, 0)
  if (newest.readInt16BE(bodyOffset) === 0) {
    return versionsOf(decodeResponse(api, 3, newest, bodyOffset))
  }
  const oldest = await upstream.request(api, 0, {})
  if (oldest.errorCode === 0) return versionsOf(oldest)
  throw new CutoverError(
    'upstream_invalid',
    `${upstream.peer} answered ApiVersions with ${errorName(oldest.errorCode)}`,
  )
}

const versionsOf = (answer: ApiVersionsResponse): BrokerVersions => ({
  ranges: new Map(
    answer.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [
      apiKey,
      { min: minVersion, max: maxVersion },
    ]),
  ),
  features: {
    supported: answer.supportedFeatures,
    finalized: answer.finalizedFeatures,
    finalizedEpoch: answer.finalizedFeaturesEpoch,
  },
})
