type Parsed =
  | { readonly topic: string; readonly partition: number; readonly offset: bigint }
  | { readonly error: string }

/** JSON has no numbers that are larger, and no log is that long. */
const offsetMax = BigInt(Number.MAX_SAFE_INTEGER)

/** Checks the query of `/offsets`. */
export function parseOffsetsQuery(query: Readonly<Record<string, string>>): Parsed {
  const { topic = '', partition = '', offset = '' } = query
  if (topic === '') return { error: '/offsets takes ?topic=NAME&partition=N&offset=N' }
  if (!/^\d{1,9}$/.test(partition)) {
    return { error: `partition: got "${partition}"; allowed: a number from 0` }
  }
  if (!/^\d{1,16}$/.test(offset) || BigInt(offset) > offsetMax) {
    return { error: `offset: got "${offset}"; allowed: 0 to ${offsetMax}` }
  }
  return { topic, partition: Number(partition), offset: BigInt(offset) }
}
