import { globSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const minute = 60_000

/**
 * What starts servers, containers, clients of other languages or package managers takes the machine for
 * itself: those files run one after the other, after everything else, with time to download. They are
 * recognised by what they ask for, so that no list has to be kept.
 */
const asksForTheMachine = /\brequire(?:Kafka|Docker|Registry)\(|\bsetupClients\(/
const all = globSync('test/**/*.test.ts', { cwd: import.meta.dirname })
const real = all.filter((file) => asksForTheMachine.test(readFileSync(file, 'utf8')))

export default defineConfig({
  test: {
    // Named, since the default changes with who runs it; it shows why tests were skipped.
    reporters: ['default'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: real,
          testTimeout: minute,
          maxWorkers: Math.max(1, Math.min(4, availableParallelism())),
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'real',
          include: real,
          fileParallelism: false,
          testTimeout: 5 * minute,
          hookTimeout: 5 * minute,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
