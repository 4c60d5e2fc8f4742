/**
 * Which metrics the broker wants from this client (KIP-714).
 * Version 0, all flexible. Brokers offer 0 (3.9, 4.3).
 */
import { api, array, bool, int16, int32, uuid, type RequestOf, type ResponseOf } from '../schema.ts'

export const getTelemetrySubscriptions = api({
  key: 71,
  name: 'GetTelemetrySubscriptions',
  versions: '0',
  flexible: '0+',
  request: {
    clientInstanceId: uuid('0+'),
  },
  response: {
    throttleTimeMs: int32('0+'),
    errorCode: int16('0+'),
    clientInstanceId: uuid('0+'),
    subscriptionId: int32('0+'),
    acceptedCompressionTypes: array('int8', '0+'),
    pushIntervalMs: int32('0+'),
    telemetryMaxBytes: int32('0+'),
    deltaTemporality: bool('0+'),
    requestedMetrics: array('string', '0+'),
  },
})
export type GetTelemetrySubscriptionsRequest = RequestOf<typeof getTelemetrySubscriptions>
export type GetTelemetrySubscriptionsResponse = ResponseOf<typeof getTelemetrySubscriptions>
