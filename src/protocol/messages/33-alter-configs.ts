/**
 * Replaces the configuration of resources; IncrementalAlterConfigs changes it (KIP-133).
 * Versions 0-2, flexible from 2. Brokers offer 0-2 (2.8, 3.9, 4.3).
 *
 * v2: flexible.
 */
import {
  api,
  array,
  bool,
  int16,
  int32,
  int8,
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const alterConfigs = api({
  key: 33,
  name: 'AlterConfigs',
  versions: '0-2',
  flexible: '2+',
  request: {
    resources: array(
      {
        resourceType: int8('0+'),
        resourceName: string('0+'),
        configs: array(
          {
            name: string('0+'),
            value: string('0+', { nullable: '0+' }),
          },
          '0+',
        ),
      },
      '0+',
    ),
    validateOnly: bool('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    responses: array(
      {
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
        resourceType: int8('0+'),
        resourceName: string('0+'),
      },
      '0+',
    ),
  },
})
export type AlterConfigsRequest = RequestOf<typeof alterConfigs>
export type AlterConfigsResponse = ResponseOf<typeof alterConfigs>
