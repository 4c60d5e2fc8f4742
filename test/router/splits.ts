import { expect } from 'vitest'
import {
  apis,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeResponseHeader,
  encodeResponse,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
} from '../../src/protocol/index.ts'
import { decide, routedVersions, type Decision } from '../../src/router/index.ts'
import {
  clientId,
  coordinatorsOf,
  correlationId,
  requestOf,
  source,
  tableOf,
  tellingVersions,
} from './given.ts'

/**
 * A split deals the items of a request out, each once, each to whom it concerns, and changes nothing
 * else; its merge has every item's answer, once.
 */
export interface Split {
  readonly name: string
  readonly api: Api
  readonly version: number
  /** The decision, with its parts decoded. */
  run(): {
    readonly whole: Shown
    readonly parts: readonly (Shown & { readonly to: unknown })[]
    /** The merged answer's items, when each part answers its own. */
    readonly merged: readonly string[]
    readonly throttleTimeMs: number | undefined
  }
}

interface Shown {
  readonly items: readonly string[]
  /** Everything but the items. */
  readonly rest: Readonly<Record<string, unknown>>
}

export interface Way<Q extends Fields, S extends Fields> {
  readonly api: Api<Q, S>
  /** From this version on. */
  readonly since?: number
  /** The field that lists the items. */
  readonly list: keyof Q & string
  readonly items: readonly string[]
  ask(items: readonly string[], version: number): Encodable<Q>
  asked(body: Decoded<Q>, version: number): readonly string[]
  answer(items: readonly string[], throttleTimeMs: number, version: number): Encodable<S>
  answered(body: Decoded<S>, version: number): readonly string[]
}

export const table = tableOf({ topics: { orders: [1, 2, 3, 1, 2, 3], bills: [3, 3] } })
export const known = coordinatorsOf({ a: 1, b: 2, c: 3, d: 1, e: 2 })

const withoutList = (body: Readonly<Record<string, unknown>>, list: string) =>
  Object.fromEntries(Object.entries(body).filter(([name]) => name !== list))

export function splits<Q extends Fields, S extends Fields>(way: Way<Q, S>): Split[] {
  const { api, list, items, since = 0 } = way
  const { max = -1 } = routedVersions(api.key, api.versions, false) ?? {}
  const versions = tellingVersions(api, max).map((version) => Math.max(version, since))
  return [...new Set(versions)].map((version) => ({
    name: api.name,
    api,
    version,
    run() {
      const request = requestOf(api, version, way.ask(items, version))
      const show = (frame: Buffer, offset: number): Shown => {
        const header = decodeRequestHeader(frame, offset)
        expect(header).toMatchObject({
          apiKey: api.key,
          apiVersion: version,
          correlationId,
          clientId,
        })
        const body = decodeRequest(api, version, frame, header.bodyOffset)
        return { items: way.asked(body, version), rest: withoutList(body, list) }
      }
      const decision: Decision = decide(table, request, known, { splitFetchWaitMs: 100 })
      if (decision.kind !== 'split') throw new Error(`${api.name} is not split`)
      const parts = decision.parts.map(({ to, frame }) => {
        expect(frame.readInt32BE(0)).toBe(frame.length - 4)
        return { to, ...show(frame, 4) }
      })
      const answers = parts.map((part, i) =>
        encodeResponse(
          api,
          version,
          correlationId,
          way.answer(part.items, 10 * i, version),
        ).subarray(4),
      )
      const merged = decision.merge(answers)
      expect(merged.readInt32BE(0)).toBe(merged.length - 4)
      const header = decodeResponseHeader(api, version, merged, 4)
      expect(header.correlationId).toBe(correlationId)
      const body = decodeResponse(api, version, merged, header.bodyOffset)
      const { throttleTimeMs } = body as { throttleTimeMs?: number }
      return {
        whole: show(request.frame, 0),
        parts,
        merged: way.answered(body, version),
        throttleTimeMs,
      }
    },
  }))
}

/** @param owner the broker of each item; others go to whoever keeps them */
export function expectSplit(split: Split, owner: Readonly<Record<string, number>>): void {
  const { whole, parts, merged, throttleTimeMs } = split.run()
  expect(parts.length).toBeGreaterThan(1)
  const others = split.api.key === apis.describeConfigs.key ? 'any' : source(2)
  const owners = new Map(Object.entries(owner))
  for (const { to, items, rest } of parts) {
    for (const item of items) {
      const id = owners.get(item)
      const wanted = id === undefined ? others : source(id)
      expect(`${item} to ${JSON.stringify(to)}`).toBe(`${item} to ${JSON.stringify(wanted)}`)
    }
    // A split Fetch is told apart: see fetch-split.test.ts.
    if (split.api.key !== apis.fetch.key) expect(rest).toEqual(whole.rest)
  }
  expect(parts.flatMap(({ items }) => items).sort()).toEqual([...whole.items].sort())
  expect([...merged].sort()).toEqual([...whole.items].sort())
  if (throttleTimeMs !== undefined && throttleTimeMs > 0) {
    expect(throttleTimeMs).toBe(10 * (parts.length - 1))
  }
}
