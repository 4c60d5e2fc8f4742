import { parseArgs } from 'node:util'
import { run } from './run.ts'
import { planKinds } from './topics.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '0' },
    plan: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
})
const from = Number(values.from)
const count = Number(values.seeds)
const { verbose } = values
const plan = planKinds.find((each) => each === values.plan)
const begun = performance.now()
let failed = 0
let simulatedMs = 0
for (let seed = from; seed < from + count; seed++) {
  const result = await run({ seed, verbose, ...(plan === undefined ? {} : { plan }) })
  simulatedMs += result.ms
  if (result.breaches.length === 0) continue
  failed++
  if (failed <= 3 && !verbose) for (const event of result.events) console.log(event)
  console.log(
    `seed ${seed} (${result.plan}) breaks:\n  ${result.breaches.slice(0, 10).join('\n  ')}`,
  )
  console.log(
    `replay: npm run simulate -- --plan ${result.plan} --from ${seed} --seeds 1 --verbose\n`,
  )
}
const seconds = (performance.now() - begun) / 1_000
const each = ((1_000 * seconds) / count).toFixed(1)
console.log(
  `${count} seeds, ${failed} failed, ${seconds.toFixed(1)} s (${each} ms each, ${(simulatedMs / 1_000 / count).toFixed(1)} s simulated)`,
)
process.exitCode = failed > 0 ? 1 : 0
