import { expect, test } from 'vitest'
import kept from './kept-seeds.json' with { type: 'json' }
import { run } from './run.ts'
import { planKinds, type PlanKind } from './topics.ts'

/** Those with unordered topics take long: their groups move when nobody has written there for 10 s. */
const seedsOf = { ordered: 150, unordered: 30, mixed: 30 } as const

test.each(planKinds)('histories of %s plans keep every law', async (plan) => {
  for (let seed = 0; seed < seedsOf[plan]; seed++) {
    const { breaches, events } = await run({ seed, plan })
    const replay = `replay: npm run simulate -- --plan ${plan} --from ${seed} --seeds 1 --verbose`
    expect(breaches, [...events, replay].join('\n')).toEqual([])
  }
})

for (const { seed, plan, found } of kept) {
  test(`seed ${seed} of ${plan} plans has shown: ${found}`, async () => {
    const { breaches, events } = await run({ seed, plan: plan as PlanKind })
    expect(breaches, events.join('\n')).toEqual([])
  })
}

test('a seed is one history, again and again', async () => {
  const [first, second] = [await run({ seed: 7 }), await run({ seed: 7 })]
  expect(second.events).toEqual(first.events)
  expect(first.events.length).toBeGreaterThan(20)
})
