import { apis } from '../../src/protocol/index.ts'
import type { ClientConnection } from './client.ts'

/** The version of Metadata that clients use: the last without tagged fields. */
const metadataVersion = 8

/** How many partitions each topic has, of those that the answer tells of; rejects with the connection. */
export async function lookUp(
  connection: ClientConnection,
  names: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const topics = names.map((name) => ({ name }))
  const body = { topics, allowAutoTopicCreation: false }
  const answer = await connection.ask(apis.metadata, metadataVersion, body)
  return new Map(
    answer.topics.flatMap(({ name, errorCode, partitions }) =>
      name === null || errorCode !== 0 ? [] : [[name, partitions.length] as const],
    ),
  )
}
