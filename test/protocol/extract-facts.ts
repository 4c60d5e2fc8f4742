import { readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { readZip } from './zip.ts'

/**
 * Writes down what the message definitions inside of a kafka-clients jar say, one line a field:
 *
 *     npx node test/protocol/extract-facts.ts kafka-clients-4.3.1.jar test/protocol/facts/4.3.1.json
 *
 * A line is `path type versions`, and then, where it applies, `nullable=`, `tag=`, `tagged=`,
 * `default=` (last, in JSON) and `ignorable`. Paths are in lowerCamelCase, as our field names. What only brokers
 * and controllers exchange is named, without its fields.
 */
export interface MessageFacts {
  readonly key: number | null
  readonly versions: string
  readonly flexible: string
  /** Requests only: whom clients may send it to. */
  readonly listeners: string
  readonly fields: readonly string[]
}
export type Facts = Readonly<Record<string, MessageFacts>>

const flag = z.union([z.boolean(), z.string()]).transform((value) => String(value) === 'true')
const fieldSchema = z.object({
  name: z.string(),
  type: z.string(),
  versions: z.string(),
  nullableVersions: z.string().optional(),
  taggedVersions: z.string().optional(),
  tag: z.coerce.number().optional(),
  default: z.union([z.string(), z.number(), z.boolean()]).optional(),
  ignorable: flag.optional(),
  get fields() {
    return z.array(fieldSchema).optional()
  },
})
type FieldDefinition = z.infer<typeof fieldSchema>

const messageSchema = z.object({
  apiKey: z.number().optional(),
  type: z.string(),
  name: z.string(),
  validVersions: z.string(),
  flexibleVersions: z.string().default('none'),
  listeners: z.array(z.string()).default([]),
  fields: z.array(fieldSchema).default([]),
  commonStructs: z.array(z.object({ name: z.string(), fields: z.array(fieldSchema) })).default([]),
})
type MessageDefinition = z.infer<typeof messageSchema>

const clientListeners = ['broker', 'zkBroker']
const consumerProtocol = /^ConsumerProtocol/

export function extractFacts(jar: Buffer): Facts {
  const definitions = [...readZip(jar)]
    .filter(([name]) => /^common\/message\/\w+\.json$/.test(name))
    .map(([, read]) => messageSchema.parse(JSON.parse(definitionIn(read().toString()))))
    .filter(({ validVersions }) => validVersions !== 'none')
    .filter(({ apiKey, name }) => apiKey !== undefined || consumerProtocol.test(name))
    .sort((a, b) => (a.apiKey ?? -1) - (b.apiKey ?? -1) || a.name.localeCompare(b.name))
  const forClients = new Set(
    definitions
      .filter(({ listeners }) => listeners.some((listener) => clientListeners.includes(listener)))
      .map(({ apiKey }) => apiKey),
  )
  return Object.fromEntries(
    definitions.map((definition): [string, MessageFacts] => [
      definition.name,
      {
        key: definition.apiKey ?? null,
        versions: definition.validVersions,
        flexible: definition.flexibleVersions,
        listeners: definition.listeners.join(' '),
        fields:
          forClients.has(definition.apiKey) || definition.apiKey === undefined
            ? fieldLines(definition, definition.fields, '')
            : [],
      },
    ]),
  )
}

/**
 * Kafka's definitions are JSON with `//` comments; none of their strings holds a `//`. As Kafka's
 * own reader does, we ignore what follows the first object: 2.8 closes one of them twice.
 */
function definitionIn(text: string): string {
  const json = text.replaceAll(/\/\/.*$/gm, '')
  let depth = 0
  for (const { 0: token, index } of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (token === '{') depth++
    if (token === '}' && --depth === 0) return json.slice(0, index + 1)
  }
  return json
}

const lowerCamel = (name: string): string => name.slice(0, 1).toLowerCase() + name.slice(1)

function fieldLines(
  message: MessageDefinition,
  fields: readonly FieldDefinition[],
  prefix: string,
): string[] {
  return fields.flatMap((field) => {
    const path = prefix + lowerCamel(field.name)
    const structName = /^(?:\[\])?([A-Z]\w*)$/.exec(field.type)?.[1]
    const type = structName === undefined ? field.type : field.type.replace(structName, 'struct')
    const line = [path, type, field.versions]
    if (field.nullableVersions !== undefined) line.push(`nullable=${field.nullableVersions}`)
    if (field.tag !== undefined) line.push(`tag=${field.tag}`)
    if (field.taggedVersions !== undefined) line.push(`tagged=${field.taggedVersions}`)
    if (field.ignorable === true) line.push('ignorable')
    if (field.default !== undefined) line.push(`default=${JSON.stringify(String(field.default))}`)
    if (structName === undefined) return [line.join(' ')]
    const inner =
      field.fields ?? message.commonStructs.find(({ name }) => name === structName)?.fields
    if (inner === undefined) throw new Error(`${message.name} does not define ${structName}`)
    return [line.join(' '), ...fieldLines(message, inner, `${path}.`)]
  })
}

if (import.meta.main) {
  const [jar, out] = process.argv.slice(2)
  if (jar === undefined || out === undefined) throw new Error('give a jar and a file to write')
  writeFileSync(out, `${JSON.stringify(extractFacts(readFileSync(jar)), null, 1)}\n`)
}
