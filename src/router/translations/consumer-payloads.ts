import {
  DecodeError,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../protocol/index.ts'
import type { View } from '../view.ts'
import { byTargetName } from './translation.ts'

/** A topic's name, put into another cluster's. */
export type Rename = (name: string) => string

export const toTargetNames =
  ({ topics }: View): Rename =>
  (name) =>
    topics.get(name)?.targetName ?? name

export function toShownNames(view: View): Rename {
  const planned = byTargetName(view)
  return (name) => planned.get(name)?.name ?? name
}

/** What a consumer tells of itself, with other names; bytes of another kind stay as they are. */
export const renameSubscription = (payload: Buffer, rename: Rename): Buffer =>
  renamed(payload, () => {
    const { version, message, rest } = decodeSubscription(payload)
    const ownedPartitions = message.ownedPartitions.map((owned) => ({
      ...owned,
      topic: rename(owned.topic),
    }))
    const body = { ...message, topics: message.topics.map(rename), ownedPartitions }
    return encodeSubscription(version, body, rest)
  })

/** What a consumer is given, with other names; none at all stays so. */
export const renameAssignment = (payload: Buffer, rename: Rename): Buffer =>
  renamed(payload, () => {
    const { version, message, rest } = decodeAssignment(payload)
    const assignedPartitions = message.assignedPartitions.map((assigned) => ({
      ...assigned,
      topic: rename(assigned.topic),
    }))
    return encodeAssignment(version, { ...message, assignedPartitions }, rest)
  })

/** Members of a group may speak whatever they agree on; brokers do not look. */
function renamed(payload: Buffer, rename: () => Buffer): Buffer {
  if (payload.length === 0) return payload
  try {
    return rename()
  } catch (error) {
    if (error instanceof DecodeError) return payload
    throw error
  }
}
