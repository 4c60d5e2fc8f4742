/**
 * Which APIs and versions the broker knows. The first request of most clients.
 * Versions 0-4, flexible from 3. Brokers offer 0-3 (2.8), 0-4 (3.9, 4.3).
 *
 * v1: throttle time. v3: flexible, client software (KIP-511), features as tagged fields (KIP-584).
 * v4: a feature's lowest version may be 0 (KAFKA-17011); v3 leaves such features out.
 * A broker that does not know the version answers UNSUPPORTED_VERSION in v0. The response header
 * has no tags ever.
 */
import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const apiVersions = api({
  key: 18,
  name: 'ApiVersions',
  versions: '0-4',
  flexible: '3+',
  request: {
    clientSoftwareName: string('3+', { ignorable: true }),
    clientSoftwareVersion: string('3+', { ignorable: true }),
  },
  response: {
    errorCode: int16('0+'),
    apiKeys: array(
      {
        apiKey: int16('0+'),
        minVersion: int16('0+'),
        maxVersion: int16('0+'),
      },
      '0+',
    ),
    throttleTimeMs: int32('1+', { ignorable: true }),
    supportedFeatures: array(
      {
        name: string('3+'),
        minVersion: int16('3+'),
        maxVersion: int16('3+'),
      },
      '3+',
      { tag: 0, tagged: '3+', ignorable: true },
    ),
    finalizedFeaturesEpoch: int64('3+', { tag: 1, tagged: '3+', default: -1n, ignorable: true }),
    finalizedFeatures: array(
      {
        name: string('3+'),
        maxVersionLevel: int16('3+'),
        minVersionLevel: int16('3+'),
      },
      '3+',
      { tag: 2, tagged: '3+', ignorable: true },
    ),
    zkMigrationReady: bool('3+', { tag: 3, tagged: '3+', ignorable: true }),
  },
})
export type ApiVersionsRequest = RequestOf<typeof apiVersions>
export type ApiVersionsResponse = ResponseOf<typeof apiVersions>
