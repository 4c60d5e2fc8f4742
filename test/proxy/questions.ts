import { expect } from 'vitest'
import type { EmbeddedCluster } from '../../src/embedded/index.ts'
import {
  apis,
  errorCodes,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
} from '../../src/protocol/index.ts'
import { answerOf, frameOf } from './client.ts'
import { fetch, listOffsets, produce } from './requests.ts'

/** A request that knows its right answer. */
export interface Question {
  readonly name: string
  readonly frame: Buffer
  /** The records that it writes, once each, to these partitions. */
  readonly writes: { readonly value: string; readonly partitions: readonly number[] } | undefined
  readonly isAnswered: boolean
  /** Throws where the answer is not this question's. */
  check(answer: Buffer): void
}

/** The partitions of `orders`; p is led by broker p mod 3 + 1, see `startThreeBrokers`. */
export const partitions = [0, 1, 2, 3, 4, 5]
const places = partitions.map((p) => `orders/${p}`)
let questionsAsked = 0

export const stored = (cluster: EmbeddedCluster, partition: number): string[] =>
  cluster.log('orders', partition).map(({ value }) => value?.toString() ?? '')

function question<Q extends Fields, S extends Fields>(
  api: Api<Q, S>,
  version: number,
  body: Encodable<Q>,
  check: (answer: Decoded<S>) => void,
  more: Partial<Pick<Question, 'writes' | 'isAnswered'>> = {},
): Question {
  const id = ++questionsAsked
  return {
    name: `${api.name} ${id}`,
    frame: frameOf(api, version, body, id),
    writes: undefined,
    isAnswered: true,
    ...more,
    check(answer) {
      expect(`${api.name} ${answer.readInt32BE(0)}`).toBe(`${api.name} ${id}`)
      check(answerOf(api, version, answer))
    },
  }
}

/** Every way in which a request can travel. */
export const questions = {
  versions: () =>
    question(apis.apiVersions, 0, {}, ({ errorCode, apiKeys }) => {
      expect(errorCode).toBe(0)
      expect(apiKeys.length).toBeGreaterThan(10)
    }),
  /** In a version that nobody knows yet (KIP-511): answered in v0. */
  futureVersions: () => {
    const { frame, ...asked } = question(apis.apiVersions, 0, {}, ({ errorCode }) => {
      expect(errorCode).toBe(errorCodes.UNSUPPORTED_VERSION)
    })
    frame.writeInt16BE(77, 6)
    const withTags = Buffer.concat([frame, Buffer.from([0])])
    withTags.writeInt32BE(withTags.length - 4)
    return { ...asked, frame: withTags }
  },
  /** Gathered and rewritten. */
  metadata: () =>
    question(apis.metadata, 9, { topics: [{ name: 'orders' }] }, ({ brokers, topics }) => {
      expect(brokers).toHaveLength(3)
      expect(topics[0]?.partitions).toHaveLength(6)
    }),
  /** Streamed through, unless a partition fails. */
  produceTo: (partition: number, acks: 1 | -1 = 1) => {
    const value = `p${questionsAsked}`
    return question(
      apis.produce,
      9,
      produce({ [`orders/${partition}`]: [value] }, acks),
      ({ responses: [topic] }) => {
        expect(topic?.partitionResponses).toMatchObject([{ index: partition, errorCode: 0 }])
      },
      { writes: { value, partitions: [partition] } },
    )
  },
  /** Never answered. */
  produceAcks0: (partition: number) => {
    const value = `p${questionsAsked}`
    const body = produce({ [`orders/${partition}`]: [value] }, 0)
    return question(apis.produce, 9, body, () => expect.fail('acks=0 was answered'), {
      writes: { value, partitions: [partition] },
      isAnswered: false,
    })
  },
  /** Split over the brokers, and merged. */
  produceToAll: (acks: 0 | 1 = 1) => {
    const value = `p${questionsAsked}`
    return question(
      apis.produce,
      9,
      produce(Object.fromEntries(places.map((place) => [place, [value]])), acks),
      ({ responses: [topic, ...others] }) => {
        expect(others).toEqual([])
        const answered = [...(topic?.partitionResponses ?? [])].sort((a, b) => a.index - b.index)
        expect(answered).toMatchObject(partitions.map((index) => ({ index, errorCode: 0 })))
      },
      { writes: { value, partitions }, isAnswered: acks !== 0 },
    )
  },
  /** Somebody must be asked who leads it; then any broker says what is wrong. */
  produceToNowhere: () =>
    question(
      apis.produce,
      9,
      produce({ [`nowhere-${questionsAsked}/0`]: ['x'] }),
      ({ responses: [topic] }) => {
        const { UNKNOWN_TOPIC_OR_PARTITION } = errorCodes
        expect(topic?.partitionResponses).toMatchObject([{ errorCode: UNKNOWN_TOPIC_OR_PARTITION }])
      },
    ),
  fetchFrom: (partition: number) =>
    question(apis.fetch, 12, fetch({ [`orders/${partition}`]: 0n }), ({ responses: [topic] }) => {
      expect(topic?.partitions).toMatchObject([{ partitionIndex: partition, errorCode: 0 }])
    }),
  fetchFromAll: () =>
    question(
      apis.fetch,
      12,
      fetch(Object.fromEntries(places.map((place) => [place, 0n]))),
      ({ responses: [topic] }) => {
        const answered = [...(topic?.partitions ?? [])].map(({ partitionIndex }) => partitionIndex)
        expect(answered.sort()).toEqual(partitions)
      },
    ),
  /** Of a fetch session that is not known: answered by the sidecar. */
  staleFetch: () =>
    question(
      apis.fetch,
      12,
      fetch({ 'orders/0': 0n }, { sessionId: 99, sessionEpoch: 5 }),
      ({ errorCode }) => {
        expect(errorCode).toBe(errorCodes.FETCH_SESSION_ID_NOT_FOUND)
      },
    ),
  offsetsOfAll: () =>
    question(apis.listOffsets, 5, listOffsets(places), ({ topics: [topic] }) => {
      const answered = [...(topic?.partitions ?? [])].map(({ partitionIndex }) => partitionIndex)
      expect(answered.sort()).toEqual(partitions)
    }),
  /** Its coordinator must be asked for first. */
  heartbeat: () =>
    question(
      apis.heartbeat,
      3,
      { groupId: `group-${questionsAsked}`, generationId: 1, memberId: 'nobody' },
      ({ errorCode }) => {
        expect(errorCode).toBe(errorCodes.UNKNOWN_MEMBER_ID)
      },
    ),
  findCoordinator: () =>
    question(apis.findCoordinator, 3, { key: 'billing', keyType: 0 }, ({ errorCode }) => {
      expect(errorCode).toBe(0)
    }),
} as const
