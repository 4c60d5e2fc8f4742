import { describe, expect, test } from 'vitest'
import { apis } from '../../../src/protocol/index.ts'
import { versionsOf } from '../given.ts'
import { decideOn, movedTable, translate } from './given.ts'

const { describeAcls, createAcls, deleteAcls } = apis

/** Kafka's ResourceType and PatternType. */
const any = 1
const topic = 2
const group = 3
const match = 2
const literal = 3
const prefixed = 4

const moved = movedTable()
const done = movedTable({ view: { everyTopic: true, home: 'target' } })
/** The plan is every topic, and groups are still read on the source. */
const spliced = movedTable({ view: { everyTopic: true } })

type Cluster = 'source' | 'target'
/** Type, name, and pattern type. */
type Entry = readonly [type: number, name: string, pattern?: number]

/** What the clusters have. */
const entries: Record<Cluster, readonly Entry[]> = {
  source: [
    [topic, 'orders'],
    [topic, 'bills'],
    [topic, 'or', prefixed],
    [topic, '*'],
    [group, 'billing'],
  ],
  target: [
    [topic, 'orders-v2'],
    [topic, 'orders'],
    [topic, 'fresh'],
    [topic, 'ord', prefixed],
    [group, 'orders'],
  ],
}

const access = { principal: 'User:app', host: '*', operation: 3, permissionType: 3 }
const everyone = { principalFilter: null, hostFilter: null, operation: 1, permissionType: 1 }
const filterOf = (type: number, name: string | null, pattern: number) => ({
  resourceTypeFilter: type,
  resourceNameFilter: name,
  patternTypeFilter: pattern,
  ...everyone,
})
type Filter = ReturnType<typeof filterOf>

const line = (
  { type, name, pattern }: { type: number; name: string | null; pattern: number }, //
) => `${type} ${name ?? 'any'}${pattern === literal ? '' : ` ${pattern}`}`

/** Those that a broker finds: by type, name and pattern type (KIP-290). */
const foundIn = (cluster: Cluster, filter: Omit<Filter, keyof typeof everyone>) =>
  entries[cluster]
    .filter(([type, name, pattern = literal]) => {
      const { resourceTypeFilter, resourceNameFilter: asked, patternTypeFilter } = filter
      if (resourceTypeFilter !== any && resourceTypeFilter !== type) return false
      if (patternTypeFilter >= literal && patternTypeFilter !== pattern) return false
      if (asked === null || asked === name) return true
      const reaches = pattern === prefixed ? asked.startsWith(name) : name === '*'
      return patternTypeFilter === match && reaches
    })
    .map(([resourceType, resourceName, patternType = literal]) => ({
      ...{ resourceType, resourceName, patternType },
    }))

describe('DescribeAcls', () => {
  const described = (filter: Filter, table = moved, version = 3) => {
    const { parts, answer } = translate(table, describeAcls, version, filter, (part) => ({
      throttleTimeMs: 0,
      errorCode: 0,
      errorMessage: null,
      resources: foundIn(part.cluster, part.body).map((found) => ({ ...found, acls: [access] })),
    }))
    return {
      asked: parts.map(({ cluster, body }) =>
        [
          cluster,
          line({
            type: body.resourceTypeFilter,
            name: body.resourceNameFilter,
            pattern: body.patternTypeFilter,
          }),
        ].join(' '),
      ),
      shown: answer.resources.map(({ resourceType, resourceName, patternType, acls }) => {
        expect(acls).toEqual([access])
        return line({ type: resourceType, name: resourceName, pattern: patternType })
      }),
    }
  }

  test.each(versionsOf(describeAcls))('v%i: of a topic that has moved', (version) => {
    expect(described(filterOf(topic, 'orders', literal), moved, version)).toEqual({
      asked: ['target 2 orders-v2'],
      shown: ['2 orders'],
    })
  })

  test('of a topic that has not', () => {
    expect(described(filterOf(topic, 'bills', literal))).toEqual({
      asked: ['source 2 bills'],
      shown: ['2 bills'],
    })
  })

  test('every one: of each topic where it is, the others of the home', () => {
    expect(described(filterOf(any, null, any))).toEqual({
      asked: ['source 1 any 1', 'target 1 any 1'],
      shown: ['2 bills', '2 or 4', '2 *', '3 billing', '2 orders'],
    })
    expect(described(filterOf(any, null, any), spliced).shown).toEqual([
      ...['2 bills', '2 or 4', '2 *', '3 billing', '2 orders', '2 fresh'],
    ])
  })

  test('the source is not asked once everything has moved', () => {
    expect(described(filterOf(any, null, any), done)).toEqual({
      asked: ['target 1 any 1'],
      shown: ['2 orders', '2 fresh', '2 ord 4', '3 orders'],
    })
  })

  test('what applies to a topic is what its cluster applies; prefixes stay as they are', () => {
    expect(described(filterOf(topic, 'orders', match))).toEqual({
      asked: ['target 2 orders-v2 2'],
      shown: ['2 orders', '2 ord 4'],
    })
    expect(described(filterOf(topic, 'or', prefixed))).toEqual({
      asked: ['source 2 or 4'],
      shown: ['2 or 4'],
    })
  })

  test('a name that may be of anything', () => {
    expect(described(filterOf(any, 'orders', literal), done)).toEqual({
      asked: ['target 2 orders-v2', 'target 1 orders'],
      shown: ['2 orders', '3 orders'],
    })
    expect(described(filterOf(any, 'billing', literal))).toEqual({
      asked: ['source 1 billing'],
      shown: ['3 billing'],
    })
  })

  test('a group, or every topic by its wildcard, is asked of the home', () => {
    expect(described(filterOf(group, 'billing', literal)).asked).toEqual(['source 3 billing'])
    expect(described(filterOf(topic, '*', literal))).toEqual({
      asked: ['source 2 *'],
      shown: ['2 *'],
    })
  })

  test('goes the ordinary way while nothing has moved', () => {
    const table = movedTable({ spliced: false })
    const asked = filterOf(topic, 'orders', literal)
    expect(decideOn(table, describeAcls, 3, asked)).toEqual({ kind: 'forward', to: 'any' })
  })
})

describe('CreateAcls', () => {
  const creation = ([resourceType, resourceName, resourcePatternType = literal]: Entry) => ({
    ...{ resourceType, resourceName, resourcePatternType },
    ...access,
  })

  test.each(versionsOf(createAcls, 3))(
    'v%i: where each topic is, and what became of each in its place',
    (version) => {
      const pattern = version >= 1 ? prefixed : literal
      const asked = ([[topic, 'orders'], [topic, 'or', pattern], [topic, 'bills'], [topic, 'orders']] as const) // prettier-ignore
      const { parts, answer } = translate(
        moved,
        createAcls,
        version,
        { creations: asked.map((entry) => creation(entry)) },
        ({ cluster, body }) => ({
          throttleTimeMs: 0,
          results: body.creations.map((_, i) => ({
            errorCode: 0,
            errorMessage: `${cluster} ${i}`,
          })),
        }),
      )
      expect(
        parts.map(({ cluster, node, body }) => [
          `${cluster} ${node}`,
          ...body.creations.map(({ resourceName }) => resourceName),
        ]),
      ).toEqual([
        ['target 12', 'orders-v2', 'orders-v2'],
        ['source 2', 'or', 'bills'],
      ])
      expect(answer.results.map(({ errorMessage }) => errorMessage)).toEqual([
        ...['target 0', 'source 0', 'source 1', 'target 1'],
      ])
    },
  )
})

describe('DeleteAcls', () => {
  const deleted = (filters: readonly Filter[], table = moved, version = 3) => {
    const { parts, answer } = translate(table, deleteAcls, version, { filters }, (part) => ({
      throttleTimeMs: 0,
      filterResults: part.body.filters.map((filter) => ({
        errorCode: 0,
        errorMessage: null,
        matchingAcls: foundIn(part.cluster, filter).map((found) => ({
          ...{ errorCode: 0, errorMessage: null, ...found, ...access },
        })),
      })),
    }))
    return {
      asked: parts.map(({ cluster, node, body }) =>
        [
          `${cluster} ${node}:`,
          body.filters
            .map((each) =>
              line({
                type: each.resourceTypeFilter,
                name: each.resourceNameFilter,
                pattern: each.patternTypeFilter,
              }),
            )
            .join(', '),
        ].join(' '),
      ),
      shown: answer.filterResults.map(({ matchingAcls }) =>
        matchingAcls.map(({ resourceType, resourceName, patternType }) =>
          line({ type: resourceType, name: resourceName, pattern: patternType }),
        ),
      ),
    }
  }

  test.each(versionsOf(deleteAcls))('v%i: where each topic is, in its place', (version) => {
    const filters = ['bills', 'orders', 'bills'].map((name) => filterOf(topic, name, literal))
    expect(deleted(filters, moved, version)).toEqual({
      asked: ['source 2: 2 bills, 2 bills', 'target 12: 2 orders-v2'],
      shown: [['2 bills'], ['2 orders'], ['2 bills']],
    })
  })

  test('every one: on the target only those of topics that clients see', () => {
    expect(deleted([filterOf(any, null, any), filterOf(group, null, literal)])).toEqual({
      asked: ['source 2: 1 any 1, 3 any', 'target 12: 2 orders-v2'],
      shown: [['2 bills', '2 or 4', '2 *', '3 billing', '2 orders'], ['3 billing']],
    })
    expect(deleted([filterOf(topic, null, literal)], spliced).asked).toEqual([
      'source 2: 2 any',
      'target 12: 2 orders-v2, 2 fresh',
    ])
  })

  test('in the target alone once everything has moved', () => {
    expect(deleted([filterOf(topic, 'orders', literal), filterOf(any, null, any)], done)).toEqual({
      asked: ['target 12: 2 orders-v2, 1 any 1'],
      shown: [['2 orders'], ['2 orders', '2 fresh', '2 ord 4', '3 orders']],
    })
  })
})
