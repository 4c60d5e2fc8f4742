import { decodeMessage, writeMessage } from './codec.ts'
import { DecodeError } from './codec-errors.ts'
import { array, int32, message, string, type Decoded } from './schema.ts'
import { Writer } from './writer.ts'

/**
 * What the sticky assignors remember of the last assignment (KIP-54, v1 KIP-341): user data of a
 * subscription, and in sarama of an assignment. It tells no version: Java reads it as v1, then as v0.
 *
 * Java, librdkafka, franz-go, sarama, kafka-python and aiokafka write this shape where their user data names
 * partitions; the cooperative assignor of Java, sarama and kafka-python writes a generation only, or nothing.
 */
export const stickyAssignorUserData = message('StickyAssignorUserData', '0-1', 'none', {
  previousAssignment: array({ topic: string('0+'), partitions: array('int32', '0+') }, '0+'),
  generation: int32('1+', { default: -1, ignorable: true }),
})

export interface StickyUserData {
  readonly version: number
  readonly message: Decoded<typeof stickyAssignorUserData.fields>
}

/** Undefined for bytes of another shape: user data is whatever an assignor makes of it. */
export function decodeStickyUserData(userData: Buffer): StickyUserData | undefined {
  for (const version of [1, 0]) {
    try {
      return { version, message: decodeMessage(stickyAssignorUserData, version, userData, 0) }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error
    }
  }
  return undefined
}

export function encodeStickyUserData({ version, message }: StickyUserData): Buffer {
  const writer = new Writer()
  writeMessage(stickyAssignorUserData, version, writer, message)
  return writer.written()
}
