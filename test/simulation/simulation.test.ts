import { expect, test } from 'vitest'
import kept from './kept-seeds.json' with { type: 'json' }
import { run } from './run.ts'

const seeds = 200

test(`${seeds} histories keep every law`, async () => {
  for (let seed = 0; seed < seeds; seed++) {
    const { breaches, events } = await run({ seed })
    const replay = `replay: npm run simulate -- --from ${seed} --seeds 1 --verbose`
    expect(breaches, [...events, replay].join('\n')).toEqual([])
  }
})

for (const { seed, found } of kept) {
  test(`seed ${seed} has shown: ${found}`, async () => {
    const { breaches, events } = await run({ seed })
    expect(breaches, events.join('\n')).toEqual([])
  })
}

test('a seed is one history, again and again', async () => {
  const [first, second] = [await run({ seed: 7 }), await run({ seed: 7 })]
  expect(second.events).toEqual(first.events)
  expect(first.events.length).toBeGreaterThan(20)
})
