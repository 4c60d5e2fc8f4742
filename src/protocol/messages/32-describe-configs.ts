/**
 * Reads the configuration of topics, brokers and other resources (KIP-133).
 * Versions 0-4, flexible from 4. Brokers offer 0-4 (2.8, 3.9), 1-4 (4.3).
 *
 * v1: configSource in place of isDefault, synonyms (KIP-226). v3: type and documentation
 * (KIP-569). v4: flexible.
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

export const describeConfigs = api({
  key: 32,
  name: 'DescribeConfigs',
  versions: '0-4',
  flexible: '4+',
  request: {
    resources: array(
      {
        resourceType: int8('0+'),
        resourceName: string('0+'),
        configurationKeys: array('string', '0+', { nullable: '0+' }),
      },
      '0+',
    ),
    includeSynonyms: bool('1+'),
    includeDocumentation: bool('3+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    results: array(
      {
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
        resourceType: int8('0+'),
        resourceName: string('0+'),
        configs: array(
          {
            name: string('0+'),
            value: string('0+', { nullable: '0+' }),
            readOnly: bool('0+'),
            isDefault: bool('0'),
            configSource: int8('1+', { default: -1, ignorable: true }),
            isSensitive: bool('0+'),
            synonyms: array(
              {
                name: string('1+'),
                value: string('1+', { nullable: '1+' }),
                source: int8('1+'),
              },
              '1+',
              { ignorable: true },
            ),
            configType: int8('3+', { ignorable: true }),
            documentation: string('3+', { nullable: '3+', ignorable: true }),
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
})
export type DescribeConfigsRequest = RequestOf<typeof describeConfigs>
export type DescribeConfigsResponse = ResponseOf<typeof describeConfigs>
