/**
 * Lists configuration resources.
 * Versions 0-1, all flexible. Brokers offer 0 (3.9), 0-1 (4.3).
 *
 * v0: client metrics resources only, under the name ListClientMetricsResources (KIP-714). v1: by
 * type (KIP-1142).
 */
import {
  api,
  array,
  int16,
  int32,
  int8,
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const listConfigResources = api({
  key: 74,
  name: 'ListConfigResources',
  versions: '0-1',
  flexible: '0+',
  request: {
    resourceTypes: array('int8', '1+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    configResources: array(
      {
        resourceName: string('0+'),
        resourceType: int8('1+', { default: 16, ignorable: true }),
      },
      '0+',
    ),
  },
})
export type ListConfigResourcesRequest = RequestOf<typeof listConfigResources>
export type ListConfigResourcesResponse = ResponseOf<typeof listConfigResources>
