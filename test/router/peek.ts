import fc from 'fast-check'
import { DecodeError } from '../../src/protocol/index.ts'
import type { Destination } from '../../src/router/index.ts'
import type { Values } from '../protocol/arbitrary.ts'
import { tableOf, topicIdOf } from './given.ts'

/** What looks at requests in place sees what decoding them would tell - or nothing, but never a lie. */
export const topics = { a: [1, 2, 3], b: [1, 1, 1], c: [2, null, 2, undefined, 3] }
export const table = tableOf({ topics, followers: [2, 3] })
export const runs = { numRuns: 150 }
export const lengthBytes = 4

export const header = fc.record({
  correlationId: fc.integer(),
  clientId: fc.option(fc.string({ unit: 'grapheme', maxLength: 8 })),
})
const topicName = fc.constantFrom('a', 'a', 'b', 'b', 'c', 'unknown')
const partitionIndex = fc.constantFrom(0, 0, 0, 1, 2, 3, 4, -1, 1_000_000)

/** A message in which topics and partitions are mostly ones that the table knows. */
export function placed(
  message: fc.Arbitrary<Values>,
  names: { topics: string; name: string; id?: string; partitions: string; index: string },
): fc.Arbitrary<Values> {
  const some = fc.array(fc.record({ name: topicName, index: partitionIndex }), {
    minLength: 12,
    maxLength: 12,
  })
  return fc.tuple(message, some).map(([values, places]) => {
    let used = 0
    const next = () => places[used++ % places.length] ?? { name: 'a', index: 0 }
    const moved = structs(values[names.topics]).map((topic) => {
      const { name } = next()
      return {
        ...topic,
        ...(names.id === undefined ? { [names.name]: name } : { [names.id]: topicIdOf(name) }),
        [names.partitions]: structs(topic[names.partitions]).map((partition) => ({
          ...partition,
          [names.index]: next().index,
        })),
      }
    })
    return { ...values, [names.topics]: moved }
  })
}

/** The elements of an arbitrary array of structs. */
export const structs = (list: unknown): readonly Values[] =>
  Array.isArray(list) ? list.filter((each): each is Values => typeof each === 'object') : []

export const leadersOf = (name: string, index: number): Destination | undefined =>
  table.topics.get(name)?.partitions[index]?.write ?? undefined

/** The route by what is named: nothing known of one partition outweighs everything else. */
export function routeOf(
  places: readonly (readonly [string, number])[],
): Destination | 'split' | 'unknown' {
  const leaders = places.map(([name, index]) => leadersOf(name, index))
  if (leaders.includes(undefined)) return 'unknown'
  const [first, ...others] = new Set(leaders)
  return first === undefined ? 'unknown' : others.length > 0 ? 'split' : first
}

export function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (error instanceof DecodeError) return undefined
    throw error
  }
}

/** Bytes that began as a frame: some of them others, some of them missing. */
export const spoiled = (frames: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(
      frames,
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), { maxLength: 4 }),
    )
    .map(([frame, changes]) => {
      const bytes = Buffer.from(frame)
      for (const [place, value] of changes) {
        // The key and version stay: they are read elsewhere.
        const at = 8 + Math.floor(place * (bytes.length - 9))
        bytes[at] = value
      }
      bytes.writeInt32BE(bytes.length - lengthBytes)
      return bytes
    })
export const garbage = (key: number, version: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: 12, maxLength: 200 }).map((bytes) => {
    const frame = Buffer.from(bytes)
    frame.writeInt32BE(frame.length - lengthBytes)
    frame.writeInt16BE(key, 4)
    frame.writeInt16BE(version, 6)
    return frame
  })
