/** What differs between two runs of a tool without meaning anything. */
export interface Volatile {
  /** Addresses of the brokers, or of the virtual brokers: `host:port` in any order. */
  readonly addresses: readonly string[]
  /** Names that carry the half: topics and groups, longest first, with what stands for each. */
  readonly names: readonly (readonly [string, string])[]
}

/**
 * The output of a tool, so that two runs that say the same are equal. Addresses become `ADDRESS`, and
 * lines are sorted: tools print what they found in the order of hash maps.
 */
export function normalise(output: string, volatile: Volatile): string {
  let text = output
  for (const address of volatile.addresses) text = text.replaceAll(address, 'ADDRESS')
  for (const [name, word] of volatile.names) text = text.replaceAll(name, word)
  const rules: readonly (readonly [RegExp, string])[] = [
    [/ADDRESS(,ADDRESS)+/g, 'ADDRESS'],
    [/\(id: -?\d+ rack: [^)]*\)/g, '(id)'],
    [/ADDRESS\s*\(\d+\)/g, 'ADDRESS (id)'], // a coordinator is chosen by the hash of the name
    [/\(from broker -?\d+: [^)]*\)/g, '(from a broker)'],
    [/ADDRESS \(controller\)/g, 'ADDRESS'], // with KRaft any broker is named, by chance
    [/\bTopicId: \S+/g, 'TopicId: ID'],
    [/"(totalBytes|usableBytes)":-?\d+/g, '"$1":N'],
    [/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.:,]\d+)?/g, 'TIME'],
    [/^\[TIME\] (WARN|INFO).*$/gm, ''],
    [/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID'],
    [/[ \t]+/g, ' '],
  ]
  for (const [pattern, replacement] of rules) text = text.replaceAll(pattern, replacement)
  const lines = text.split('\n').map((line) => canonical(line.trim()))
  return lines
    .filter((line) => line !== '')
    .sort()
    .join('\n')
}

/** Leaves of a number only that there is one: for tools whose output is a measurement. */
export const withoutNumbers = (text: string) => text.replaceAll(/-?\d+(\.\d+)?/g, 'N')

/** A line of JSON with its arrays sorted, for the same reason. */
function canonical(line: string): string {
  if (!line.startsWith('{')) return line
  try {
    return JSON.stringify(sorted(JSON.parse(line)))
  } catch {
    return line
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, sorted(inner)]))
}
