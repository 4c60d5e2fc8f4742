import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { EmbeddedCluster } from '../../src/embedded/index.ts'
import { apis, type Api } from '../../src/protocol/index.ts'
import type { Client } from './client.ts'
import { questions, type Question } from './questions.ts'
import { startSidecar, stopSidecars, untilReady, type Sidecar } from './sidecar.ts'
import { expectAnswers, expectWritten, startThreeBrokers } from './three-brokers.ts'

/**
 * Answers leave in the order of the questions, and the source sees each question once: whoever answers,
 * however long it takes, and wherever the client's bytes are cut.
 */
let cluster: EmbeddedCluster
let sidecar: Sidecar

beforeAll(async () => {
  cluster = await startThreeBrokers()
  sidecar = await startSidecar(cluster.bootstrapServers)
  await untilReady(sidecar)
})
afterAll(async () => {
  await stopSidecars()
  await cluster.stop()
})

/** A client whose brokers are connected: otherwise the first request to one is decided twice. */
async function warmClient(): Promise<Client> {
  const client = await sidecar.connect()
  const warm = questions.fetchFromAll()
  client.write(warm.frame)
  await expectAnswers(client, [warm])
  return client
}

async function askInOnePiece(client: Client, asked: readonly Question[]): Promise<void> {
  client.write(Buffer.concat(asked.map(({ frame }) => frame)))
  await expectAnswers(client, asked)
  await expectWritten(cluster, asked)
  expect(client.isClosed).toBe(false)
  await client.close()
}

const { produceTo, produceAcks0, produceToAll, produceToNowhere, fetchFrom, staleFetch } = questions
const [here, alsoHere, elsewhere] = [0, 3, 1] as const
const everything = (): Question[] => [
  produceTo(here),
  questions.versions(),
  produceToAll(),
  questions.metadata(),
  produceTo(elsewhere, -1),
  produceAcks0(here),
  staleFetch(),
  questions.heartbeat(),
  fetchFrom(elsewhere),
  questions.offsetsOfAll(),
  produceToAll(0),
  questions.futureVersions(),
  produceToNowhere(),
  questions.findCoordinator(),
  questions.fetchFromAll(),
  produceTo(alsoHere),
]

const cases: Record<string, () => Question[]> = {
  'Produce, Produce that is split': () => [produceTo(here), produceToAll()],
  'Produce that is split, Produce': () => [produceToAll(), produceTo(here)],
  'Produce, Produce that is split, Produce': () => [
    produceTo(here),
    produceToAll(),
    produceTo(alsoHere),
  ],
  'Produce, stale Fetch': () => [produceTo(here), staleFetch()],
  'Produce, stale Fetch, Produce there too': () => [
    produceTo(here),
    staleFetch(),
    produceTo(alsoHere),
  ],
  'Produce, Produce whose leader nobody knows': () => [produceTo(here), produceToNowhere()],
  'Produce, Heartbeat of a group that nobody knows': () => [produceTo(here), questions.heartbeat()],
  // Three connections are awaited at once; then a coordinator is asked for.
  'Fetch that is split, Heartbeat of a group that nobody knows': () => [
    questions.fetchFromAll(),
    questions.heartbeat(),
  ],
  'Fetch, Fetch that is split': () => [fetchFrom(here), questions.fetchFromAll()],
  'Produce, ApiVersions, Produce elsewhere': () => [
    produceTo(here),
    questions.versions(),
    produceTo(elsewhere),
  ],
  'Produce with acks=0, Produce': () => [produceAcks0(here), produceTo(here)],
  'Produce, Produce with acks=0 that is split, Produce': () => [
    produceTo(here),
    produceToAll(0),
    produceTo(alsoHere),
  ],
  everything,
}

describe.each([
  ['whose brokers are connected', warmClient],
  ['that has just come', () => sidecar.connect()],
])('requests in one piece, of a client %s', (_, connect) => {
  test.each(Object.entries(cases))('%s', async (_, asked) =>
    askInOnePiece(await connect(), asked()),
  )
})

describe('brokers that take their time', () => {
  const removes: (() => void)[] = []
  afterEach(() => {
    for (const remove of removes.splice(0)) remove()
  })
  /** @param delayMs of each request in turn */
  const delayAll = (delayMs: () => number): void => {
    const delay = (api: Api): void => {
      const remove = cluster.control(
        api,
        () => {
          const ms = delayMs()
          return ms === 0 ? undefined : { kind: 'delay', ms }
        },
        { keep: true },
      )
      removes.push(remove)
    }
    delay(apis.produce)
    delay(apis.fetch)
    delay(apis.metadata)
    delay(apis.listOffsets)
    delay(apis.heartbeat)
  }

  const kinds: readonly (() => Question)[] = [
    questions.versions,
    questions.metadata,
    ...[0, 1, 2, 3].flatMap((p) => [() => produceTo(p), () => produceAcks0(p), () => fetchFrom(p)]),
    () => produceToAll(),
    staleFetch,
    questions.heartbeat,
    questions.offsetsOfAll,
    questions.fetchFromAll,
    produceToNowhere,
  ]

  test('any requests, any delays, cut anywhere: the same answers in the same order', async () => {
    const scenario = fc.record({
      asked: fc.array(fc.nat(kinds.length - 1), { minLength: 1, maxLength: 12 }),
      delays: fc.array(fc.constantFrom(0, 0, 1, 4, 15), { minLength: 1, maxLength: 5 }),
      cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }),
      isWarm: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(scenario, async ({ asked, delays, cuts, isWarm }) => {
        let turn = 0
        delayAll(() => delays[turn++ % delays.length] ?? 0)
        const client = await (isWarm ? warmClient() : sidecar.connect())
        const list = asked.flatMap((i) => kinds[i]?.() ?? [])
        const bytes = Buffer.concat(list.map(({ frame }) => frame))
        const ends = [...cuts.map((cut) => Math.round(cut * bytes.length)), bytes.length]
        let start = 0
        for (const end of ends.sort((a, b) => a - b)) {
          client.write(bytes.subarray(start, end))
          start = end
          await sleep(1)
        }
        await expectAnswers(client, list)
        await expectWritten(cluster, list)
        await client.close()
        for (const remove of removes.splice(0)) remove()
      }),
      { numRuns: 60, endOnFailure: true },
    )
  }, 120_000)
})
