import { apis, encodeResponse, errorCodes } from '../../protocol/index.ts'
import type { RoutingTable } from '../table.ts'

/**
 * ApiVersions is always answered here: what the source and the sidecar both know, in the client's
 * version. A version that we do not know is answered in v0 with UNSUPPORTED_VERSION and the versions of
 * ApiVersions itself (KIP-511). Versions before 4 must leave out features that start at 0 (KAFKA-17011).
 */
export function answerApiVersions(
  table: RoutingTable,
  version: number,
  correlationId: number,
): Buffer {
  const api = apis.apiVersions
  if (version > api.versions.max) {
    const { min, max } = api.versions
    return encodeResponse(api, 0, correlationId, {
      errorCode: errorCodes.UNSUPPORTED_VERSION,
      apiKeys: [{ apiKey: api.key, minVersion: min, maxVersion: max }],
    })
  }
  const { supported, finalized, finalizedEpoch } = table.features
  return encodeResponse(api, version, correlationId, {
    errorCode: 0,
    apiKeys: [...table.offered]
      .sort(([a], [b]) => a - b)
      .map(([apiKey, { min, max }]) => ({ apiKey, minVersion: min, maxVersion: max })),
    throttleTimeMs: 0,
    supportedFeatures:
      version >= 4 ? supported : supported.filter((feature) => feature.minVersion > 0),
    finalizedFeaturesEpoch: finalizedEpoch,
    finalizedFeatures: finalized,
  })
}
