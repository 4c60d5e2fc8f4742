import { createServer, type Server } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import type { Status } from '../../src/admin/index.ts'
import { flip } from './flip.ts'

let server: Server | undefined
afterEach(() => server?.close())

/** An admin port that answers each question for the status with the next of `phases`, and then the last. */
async function admin(phases: readonly Status['phase'][], refusals = 0): Promise<string> {
  let [at, left] = [0, refusals]
  const status = () => {
    const phase = phases[Math.min(at, phases.length - 1)]
    const allowed = phase === 'source' ? ['cutover'] : []
    return {
      ...{ phase, waitingFor: [], topics: [], groups: [], allowed },
      ...{ sidecars: [], listeners: [], source: [] },
    }
  }
  const listening = createServer((request, response) => {
    const refused = request.method === 'POST' && left-- > 0
    response.statusCode = refused ? 409 : 200
    response.end(JSON.stringify(refused ? { error: 'not now' } : status()))
    if (request.method === 'GET') at++
  })
  server = listening
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  const address = listening.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return `http://127.0.0.1:${address.port}`
}

const options = { timeoutMs: 5_000, persist: false }

describe('a flip', () => {
  test('is asked for once, and followed to its end', async () => {
    const url = await admin(['source', 'fenced', 'spliced', 'spliced', 'target'])
    const { phases, ...rest } = await flip(url, options)
    expect(phases.map(({ phase }) => phase)).toEqual(['source', 'fenced', 'spliced', 'target'])
    expect(rest).toMatchObject({ reached: true, accepted: 1, refusals: [] })
  })

  test('is asked for again where the fence was given up', async () => {
    const url = await admin([
      'fenced',
      ...Array.from({ length: 20 }, (): Status['phase'] => 'source'),
      'target',
    ])
    expect(await flip(url, options)).toMatchObject({ reached: true, accepted: 2 })
  })

  test('ends where it is refused, and goes on where it shall persist', async () => {
    const refused = await flip(await admin(['source', 'source', 'target'], 1), options)
    expect(refused).toMatchObject({ reached: false, accepted: 0, refusals: ['not now'] })
    const phases = Array.from({ length: 20 }, (): Status['phase'] => 'source')
    const url = await admin([...phases, 'target'], 1)
    expect(await flip(url, { ...options, persist: true })).toMatchObject({
      ...{ reached: true, accepted: 1, refusals: ['not now'] },
    })
  })

  test('ends when its time is over', async () => {
    const url = await admin(['fenced'])
    expect(await flip(url, { ...options, timeoutMs: 200 })).toMatchObject({ reached: false })
  })
})
