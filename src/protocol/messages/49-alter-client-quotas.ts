/**
 * Changes quotas (KIP-546).
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
  string,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const alterClientQuotas = api({
  key: 49,
  name: 'AlterClientQuotas',
  versions: '0-1',
  flexible: '1+',
  request: {
    entries: array(
      {
        entity: array(
          {
            entityType: string('0+'),
            entityName: string('0+', { nullable: '0+' }),
          },
          '0+',
        ),
        ops: array(
          {
            key: string('0+'),
            value: float64('0+'),
            remove: bool('0+'),
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
    entries: array(
      {
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
        entity: array(
          {
            entityType: string('0+'),
            entityName: string('0+', { nullable: '0+' }),
          },
          '0+',
        ),
      },
      '0+',
    ),
  },
})
export type AlterClientQuotasRequest = RequestOf<typeof alterClientQuotas>
export type AlterClientQuotasResponse = ResponseOf<typeof alterClientQuotas>
