import { describe, expect, test } from 'vitest'
import type { ClientEvent } from '../clients/index.ts'
import { foreignErrors, isOfRestart, judge } from './verdict.ts'

const record = (
  event: 'acked' | 'consumed',
  partition: number,
  offset: number,
  i: number,
): ClientEvent => ({ event, t: i * 10, partition, offset, key: 'k', value: `p-${i}` })
const acked = (partition: number, offset: number, i: number) =>
  record('acked', partition, offset, i)
const consumed = (partition: number, offset: number, i: number) =>
  record('consumed', partition, offset, i)
const assigned: ClientEvent = { event: 'assigned', t: 0, partitions: [0, 1] }
const done: ClientEvent = { event: 'done', t: 0 }
const error = (kind: string): ClientEvent => ({
  event: 'error',
  t: 0,
  where: 'consume',
  kind,
  message: '',
})

const produced = [acked(0, 0, 0), acked(1, 0, 1), acked(0, 1, 2), done]
const good = [assigned, consumed(0, 0, 0), consumed(1, 0, 1), consumed(0, 1, 2), done]

describe('the verdict', () => {
  test('is good where everything arrives in order', () => {
    const { findings, figures } = judge({ producer: produced, consumers: [good] })
    expect(findings).toEqual([])
    expect(figures).toMatchObject({ acked: 3, consumed: 3, duplicates: 0, ackGapMaxMs: 10 })
  })

  test('allows redelivery after a rebalance, and counts it', () => {
    const again = [assigned, consumed(0, 1, 2), done]
    const { findings, figures } = judge({ producer: produced, consumers: [good, again] })
    expect(findings).toEqual([])
    expect(figures.duplicates).toBe(1)
  })

  test.for([
    ['lost: p-2, acknowledged at 0@1', produced, good.toSpliced(3, 1)],
    ['mismatch: 0@1 is p-2 to one and p-3', produced, [...good, consumed(0, 1, 3)]],
    [
      'disorder: p-0 at 0@1 follows p-2 in the log',
      [done],
      [assigned, consumed(0, 0, 2), consumed(0, 1, 0), done],
    ],
    [
      'disorder: p-1 at 0@1 follows p-1 in the log',
      [done],
      [assigned, consumed(0, 0, 1), consumed(0, 1, 1), done],
    ],
    [
      'disorder: 0@0 was delivered after offset 1',
      [done],
      [assigned, consumed(0, 1, 1), consumed(0, 0, 0), done],
    ],
    ['unfinished: the producer', produced.slice(0, 3), good],
    ['unfinished: consumer 1', produced, good.slice(0, 4)],
  ] as const)('finds %s', ([finding, producer, consumer]) => {
    const { findings } = judge({ producer, consumers: [consumer] })
    expect(findings.some((f) => f.startsWith(finding))).toBe(true)
  })

  test('names the errors that only the sidecar shows', () => {
    const lane = (kind: string) => judge({ producer: [done], consumers: [[error(kind), done]] })
    expect(foreignErrors(lane('A'), [lane('A')])).toEqual([])
    expect(foreignErrors(lane('B'), [lane('A'), lane('C')])).toEqual(['consume: B'])
  })

  test('finds an address that was to be hidden', () => {
    const hidden = ['127.0.0.1:1909']
    const says = (message: string) =>
      judge({
        ...{ producer: [done], hidden },
        consumers: [[{ event: 'log', t: 0, message }, done]],
      }).findings
    expect(says('node 1 (/127.0.0.1:1909) is gone')).toEqual([
      'leaked: 127.0.0.1:1909, as in: node 1 (/127.0.0.1:1909) is gone',
    ])
    expect(says('node 1 (/127.0.0.1:19092) is gone')).toEqual([])
  })

  test.for([
    ['consume: NOT_COORDINATOR', true],
    ['consume: UNKNOWN_MEMBER_ID', true],
    ['commit: NotCoordinatorForGroupError', true],
    ['consume: KError 15', true],
    ['consume: GROUP_LOAD_IN_PROGRESS', true],
    ['client: _TRANSPORT', true],
    ['consume: KafkaJSError: This is not the correct coordinator for this group', true],
    ['consume: KafkaJSError: The request included a message larger than allowed', false],
    ['consume: KError 1', false],
    ['consume: OFFSET_OUT_OF_RANGE', false],
    ['consume: UNKNOWN_TOPIC_OR_PARTITION', false],
    ['client: UnsupportedVersionException', false],
    ['produce: NOT_LEADER_OR_FOLLOWER', false],
  ] as const)('%s may be chance while brokers restart: %s', ([kind, expected]) => {
    expect(isOfRestart(kind)).toBe(expected)
  })
})
