/**
 * Changes single entries of the configuration of resources (KIP-339).
 * Versions 0-1, flexible from 1. Brokers offer 0-1 (2.8, 3.9, 4.3).
 *
 * v1: flexible.
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

export const incrementalAlterConfigs = api({
  key: 44,
  name: 'IncrementalAlterConfigs',
  versions: '0-1',
  flexible: '1+',
  request: {
    resources: array(
      {
        resourceType: int8('0+'),
        resourceName: string('0+'),
        configs: array(
          {
            name: string('0+'),
            configOperation: int8('0+'),
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
export type IncrementalAlterConfigsRequest = RequestOf<typeof incrementalAlterConfigs>
export type IncrementalAlterConfigsResponse = ResponseOf<typeof incrementalAlterConfigs>
