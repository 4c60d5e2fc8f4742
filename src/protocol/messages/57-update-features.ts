/**
 * Changes the finalized versions of features (KIP-584).
 * Versions 0-2, all flexible. Brokers offer 0 (2.8), 0-1 (3.9), 0-2 (4.3).
 *
 * v1: upgradeType and validateOnly (KIP-778). v2: no result per feature.
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

export const updateFeatures = api({
  key: 57,
  name: 'UpdateFeatures',
  versions: '0-2',
  flexible: '0+',
  request: {
    timeoutMs: int32('0+', { default: 60000 }),
    featureUpdates: array(
      {
        feature: string('0+'),
        maxVersionLevel: int16('0+'),
        allowDowngrade: bool('0'),
        upgradeType: int8('1+', { default: 1 }),
      },
      '0+',
    ),
    validateOnly: bool('1+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    errorMessage: string('0+', { nullable: '0+' }),
    results: array(
      {
        feature: string('0+'),
        errorCode: int16('0+'),
        errorMessage: string('0+', { nullable: '0+' }),
      },
      '0-1',
      { ignorable: true },
    ),
  },
})
export type UpdateFeaturesRequest = RequestOf<typeof updateFeatures>
export type UpdateFeaturesResponse = ResponseOf<typeof updateFeatures>
