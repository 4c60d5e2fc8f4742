/**
 * Deletes topics.
 * Versions 0-6, flexible from 4. Brokers offer 0-6 (2.8, 3.9), 1-6 (4.3).
 *
 * v1: throttle time. v3: TOPIC_DELETION_DISABLED. v4: flexible. v5: errorMessage (KIP-599).
 * v6: topics by name or id, in another shape (KIP-516).
 */
import {
  api,
  array,
  int16,
  int32,
  string,
  uuid,
  type RequestOf,
  type ResponseOf,
} from '../schema.ts'

export const deleteTopics = api({
  key: 20,
  name: 'DeleteTopics',
  versions: '0-6',
  flexible: '4+',
  request: {
    topics: array(
      {
        name: string('6+', { nullable: '6+', default: null }),
        topicId: uuid('6+'),
      },
      '6+',
    ),
    topicNames: array('string', '0-5', { ignorable: true }),
    timeoutMs: int32('0+'),
  },
  response: {
    throttleTimeMs: int32('1+', { ignorable: true }),
    responses: array(
      {
        name: string('0+', { nullable: '6+' }),
        topicId: uuid('6+', { ignorable: true }),
        errorCode: int16('0+'),
        errorMessage: string('5+', { nullable: '5+', default: null, ignorable: true }),
      },
      '0+',
    ),
  },
})
export type DeleteTopicsRequest = RequestOf<typeof deleteTopics>
export type DeleteTopicsResponse = ResponseOf<typeof deleteTopics>
