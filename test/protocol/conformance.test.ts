import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  apiByKey,
  apiName,
  apis,
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  includes,
} from '../../src/protocol/index.ts'
import type { Fields, Message, Type } from '../../src/protocol/schema.ts'
import { noVersions, versionRange, type VersionRange } from '../../src/protocol/versions.ts'
import { extractFacts, type MessageFacts } from './extract-facts.ts'
import { expectedDefault, parseLine, readFacts, renamedApis, type Row } from './facts.ts'

/**
 * Our declarations against Kafka's own definitions (`facts/`, made by `extract-facts.ts`): each
 * release's every message, in each version that the release has, field by field and in order.
 */
const newest = '4.3.1'
const releases = ['2.8.2', '3.9.1', newest] as const
const factsOf = new Map(
  await Promise.all(releases.map(async (release) => [release, await readFacts(release)] as const)),
)

/** One of our fields, flattened, with the ranges of its parents. */
interface Flat {
  readonly path: string
  readonly type: string
  readonly default: unknown
  readonly ignorable: boolean
  readonly tag: number
  readonly is: (what: 'versions' | 'nullable' | 'tagged', version: number) => boolean
}

const typeName = (type: Type): string =>
  type.kind === 'scalar'
    ? type.name
    : type.kind === 'array'
      ? `[]${typeName(type.element)}`
      : 'struct'

const innerFields = (type: Type): Fields =>
  type.kind === 'struct' ? type.fields : type.kind === 'array' ? innerFields(type.element) : {}

function flatten(fields: Fields, prefix = ''): Flat[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const path = prefix + name
    const flat: Flat = {
      path,
      type: typeName(field.type),
      default: field.default,
      ignorable: field.ignorable,
      tag: field.tag,
      is: (what, version) => includes(field[what], version),
    }
    return [flat, ...flatten(innerFields(field.type), `${path}.`)]
  })
}

const parentOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('.'), 0))

/** What goes over the wire in one version, in order: paths, types, nullability, tags. */
function layout<T extends { readonly path: string }>(
  fields: readonly T[],
  isThere: (field: T) => boolean,
  line: (field: T) => string,
): string[] {
  const present = new Set([''])
  const lines: string[] = []
  for (const field of fields) {
    if (!present.has(parentOf(field.path)) || !isThere(field)) continue
    present.add(field.path)
    lines.push(line(field))
  }
  return lines
}

const mark = (path: string, type: string, nullable: boolean, tag: number): string =>
  `${path} ${type}${nullable ? ' nullable' : ''}${tag < 0 ? '' : ` tag ${tag}`}`

function factLayout(rows: readonly Row[], version: number): string[] {
  const has = (range: string): boolean => includes(versionRange(range), version)
  return layout(
    rows,
    (row) => has(row.versions),
    (row) => mark(row.path, row.type, has(row.nullable), has(row.tagged) ? row.tag : -1),
  )
}

function ourLayout(fields: readonly Flat[], version: number): string[] {
  return layout(
    fields,
    (field) => field.is('versions', version),
    (field) =>
      mark(
        field.path,
        field.type,
        field.is('nullable', version),
        field.is('tagged', version) ? field.tag : -1,
      ),
  )
}

/** Early access, changed before it was released: see the cards of these files. */
const leftOut = new Map([
  ['ShareGroupHeartbeat', 0],
  ['ShareGroupDescribe', 0],
  ['ShareFetch', 0],
  ['ShareAcknowledge', 0],
])

const messages = new Map<string, Message>([
  ...Object.values(apis).flatMap((api): [string, Message][] => [
    [api.request.name, api.request],
    [api.response.name, api.response],
  ]),
  [consumerProtocolSubscription.name, consumerProtocolSubscription],
  [consumerProtocolAssignment.name, consumerProtocolAssignment],
])

const apiOf = (message: string): string => message.replace(/(?:Request|Response)$/, '')

function ourMessage(name: string): Message | undefined {
  const api = renamedApis.get(apiOf(name))
  return messages.get(api === undefined ? name : name.replace(apiOf(name), api))
}

const versionsIn = ({ min, max }: VersionRange): number[] =>
  Array.from({ length: max - min + 1 }, (_, i) => min + i)
const versionsOf = (text: string): number[] => versionsIn(versionRange(text))

const isForClients = (facts: MessageFacts): boolean => facts.fields.length > 0
/** Sent to brokers, but by controllers and other brokers alone. */
const interBroker = new Set([4, 5, 6, 7, 56, 58, 67, 83, 84, 85, 86, 87])

describe.each(releases)('the messages of %s', (release) => {
  const facts = factsOf.get(release) ?? {}
  const named = Object.entries(facts)

  test('every API that clients may use is declared, with every version', () => {
    const offered = named.filter(([, { listeners }]) => /\b(?:zkB|b)roker\b/.test(listeners))
    expect(offered.length).toBeGreaterThan(50)
    for (const [name, { key, versions }] of offered) {
      if (key === null || interBroker.has(key)) continue
      const known = versionsOf(versions).filter((version) =>
        includes(apiByKey(key)?.versions ?? noVersions, version),
      )
      const wanted = versionsOf(versions).filter((v) => leftOut.get(apiOf(name)) !== v)
      expect([name, known]).toEqual([name, wanted])
    }
  })

  test('every API has its name', () => {
    for (const [name, { key }] of named) {
      if (key === null || key === 56) continue // AlterIsr became AlterPartition
      expect(apiName(key)).toBe(renamedApis.get(apiOf(name)) ?? apiOf(name))
    }
  })

  const comparable = named.flatMap(([name, fact]) => {
    const message = ourMessage(name)
    return message === undefined || !(isForClients(fact) || fact.key !== null)
      ? []
      : [{ name, fact, message }]
  })

  test.each(comparable)('$name', ({ name, fact, message }) => {
    const rows = fact.fields.map((line) => parseLine(name, line))
    const fields = flatten(message.fields)
    const known = new Set(rows.map(({ path }) => path))
    for (const version of versionsOf(fact.versions)) {
      if (leftOut.get(apiOf(name)) === version) continue
      expect(includes(message.versions, version)).toBe(true)
      expect(includes(message.flexible, version)).toBe(
        includes(versionRange(fact.flexible), version),
      )
      // A later release may add tagged fields to a version: to an earlier one they are unknown.
      const ours = fields.filter(
        (field) => !(field.is('tagged', version) && !known.has(field.path)),
      )
      expect([version, ...ourLayout(ours, version)]).toEqual([
        version,
        ...factLayout(rows, version),
      ])
    }
  })
})

describe('the newest definition of each field decides its default and whether it may be dropped', () => {
  const latest = new Map<string, Map<string, Row>>()
  for (const release of releases) {
    for (const [name, { fields }] of Object.entries(factsOf.get(release) ?? {})) {
      const message = ourMessage(name)
      if (message === undefined) continue
      const rows = latest.get(message.name) ?? new Map<string, Row>()
      for (const row of fields.map((line) => parseLine(name, line))) rows.set(row.path, row)
      latest.set(message.name, rows)
    }
  }

  test.each([...messages.values()])('$name', (message) => {
    const fields = flatten(message.fields)
    const rows = latest.get(message.name)
    expect(rows).toBeDefined()
    for (const { path, ignorable, default: standard, is } of fields) {
      const isNullable = versionsIn(message.versions).some((version) => is('nullable', version))
      const row = rows?.get(path)
      if (row === undefined) throw new Error(`Kafka has no field ${path}`)
      expect([path, ignorable]).toEqual([path, row.ignorable])
      if (row.type === 'struct' && row.default === null) {
        expect([path, typeof standard, standard === null]).toEqual([path, 'object', false])
      } else if (row.type === 'records' && !isNullable) {
        expect([path, standard]).toEqual([path, Buffer.alloc(0)])
      } else {
        expect([path, standard]).toEqual([path, expectedDefault(row)])
      }
    }
  })
})

const run = promisify(execFile)

test('the facts are those of the released jar', { timeout: 180_000 }, async (context) => {
  const skip = (why: string): never => {
    console.warn(`the facts are not compared with the released jar: ${why}`)
    return context.skip(why)
  }
  await run('mvn', ['-v']).catch(() => skip('Maven (mvn) is not in the path'))
  const directory = await mkdtemp(join(tmpdir(), 'kafka-clients-'))
  try {
    const artifact = `org.apache.kafka:kafka-clients:${newest}`
    await run('mvn', [
      ...['-q', '-B', 'dependency:copy', `-Dartifact=${artifact}`],
      ...[`-DoutputDirectory=${directory}`],
    ]).catch((error: unknown) => skip(`Maven could not fetch ${artifact}: ${String(error)}`))
    const jar = await readFile(join(directory, `kafka-clients-${newest}.jar`))
    expect(extractFacts(jar)).toEqual(factsOf.get(newest))
  } finally {
    await rm(directory, { recursive: true })
  }
})
