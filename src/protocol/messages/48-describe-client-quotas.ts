/**
 * Reads quotas (KIP-546).
 * Versions 0-1, flexible from 1. Brokers offer 0-1 (2.8, 3.9, 4.3).
 *
 * v1: flexible.
 */
import {
  api,
  array,
  bool,
  float64,
  int16,
  int32,
  int8,
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const describeClientQuotas = api({
  key: 48,
  name: 'DescribeClientQuotas',
  versions: '0-1',
  flexible: '1+',
  request: {
    components: array(
      {
        entityType: string('0+'),
        matchType: int8('0+'),
        match: string('0+', { nullable: '0+' }),
      },
      '0+',
    ),
    strict: bool('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    entries: array(
      {
        entity: array(
          {
            entityType: string('0+'),
            entityName: string('0+', { nullable: '0+' }),
          },
          '0+',
        ),
        values: array(
          {
            key: string('0+'),
            value: float64('0+'),
          },
          '0+',
        ),
      },
      '0+',
      { nullable: '0+' },
    ),
  },
})
export type DescribeClientQuotasRequest = RequestOf<typeof describeClientQuotas>
export type DescribeClientQuotasResponse = ResponseOf<typeof describeClientQuotas>
