import {
  DecodeError,
  decodeAssignment,
  decodeStickyUserData,
  decodeSubscription,
  encodeAssignment,
  encodeStickyUserData,
  encodeSubscription,
} from '../../protocol/index.ts'
import { shownPartition } from '../timeline/index.ts'
import type { View } from '../view.ts'
import { byTargetName, renames } from './translation.ts'

export interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

/** Some partitions of a topic, in another's words: by its name of the topic, and its numbers of the partitions. */
export type Wording = (some: TopicPartitions) => TopicPartitions

/** Whether the target has other names than clients, or other numbers. */
export const rewords = (view: View): boolean =>
  renames(view) || [...view.topics.values()].some(({ parallel }) => parallel !== undefined)

/** In the target's words; it has never had the source's partitions of an unordered topic. */
export const toTargetWords =
  ({ topics }: View): Wording =>
  ({ topic, partitions }) => {
    const planned = topics.get(topic)
    if (planned === undefined) return { topic, partitions }
    const { targetName, parallel } = planned
    if (parallel === undefined) return { topic: targetName, partitions }
    const first = shownPartition(parallel, 0)
    const native = partitions.filter((shown) => shown >= first).map((shown) => shown - first)
    return { topic: targetName, partitions: native }
  }

/** In the words of clients. */
export function toShownWords(view: View): Wording {
  const planned = byTargetName(view)
  return ({ topic, partitions }) => {
    const { name = topic, parallel } = planned.get(topic) ?? {}
    if (parallel === undefined) return { topic: name, partitions }
    return { topic: name, partitions: partitions.map((native) => shownPartition(parallel, native)) }
  }
}

/** What a consumer tells of itself, in other words; bytes of another kind stay as they are. */
export const rewordSubscription = (payload: Buffer, words: Wording): Buffer =>
  reworded(payload, () => {
    const { version, message, rest } = decodeSubscription(payload)
    const { topics, ownedPartitions, userData } = message
    const body = {
      ...message,
      topics: topics.map((topic) => words({ topic, partitions: [] }).topic),
      ownedPartitions: rewordList(ownedPartitions, words),
      userData: rewordUserData(userData, words),
    }
    return encodeSubscription(version, body, rest)
  })

/** What a consumer is given, in other words; none at all stays so. */
export const rewordAssignment = (payload: Buffer, words: Wording): Buffer =>
  reworded(payload, () => {
    const { version, message, rest } = decodeAssignment(payload)
    const assignedPartitions = rewordList(message.assignedPartitions, words)
    const userData = rewordUserData(message.userData, words)
    return encodeAssignment(version, { assignedPartitions, userData }, rest)
  })

/** What the sticky assignors remember; only they know what else there may be. */
function rewordUserData(userData: Buffer | null, words: Wording): Buffer | null {
  const sticky = userData === null ? undefined : decodeStickyUserData(userData)
  if (sticky === undefined) return userData
  const { version, message } = sticky
  const previousAssignment = rewordList(message.previousAssignment, words)
  return encodeStickyUserData({ version, message: { ...message, previousAssignment } })
}

/** A topic of which nothing is left is not named any more. */
const rewordList = (list: readonly TopicPartitions[], words: Wording): TopicPartitions[] =>
  list.flatMap((some) => {
    const other = words(some)
    return other.partitions.length === 0 && some.partitions.length > 0 ? [] : [other]
  })

/** Members of a group may speak whatever they agree on; brokers do not look. */
function reworded(payload: Buffer, reword: () => Buffer): Buffer {
  if (payload.length === 0) return payload
  try {
    return reword()
  } catch (error) {
    if (error instanceof DecodeError) return payload
    throw error
  }
}
