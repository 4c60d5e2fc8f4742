import { appendFile, mkdir, readFile, rm } from 'node:fs/promises'

import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import type { Result } from './cell.ts'

const file = resolve(import.meta.dirname, '../../.acceptance/results.jsonl')

const resultSchema = z.object({
  cell: z.string(),
  verdict: z.enum(['pass', 'fail', 'skip']),
  findings: z.array(z.string()),
  figures: z.record(z.string(), z.union([z.number(), z.string()])),
  at: z.string(),
  durationMs: z.number(),
  commit: z.string(),
  node: z.string(),
})

/** The last result of each cell, in the order in which they came. A torn last line is passed over. */
export async function readResults(): Promise<Map<string, Result>> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const results = new Map<string, Result>()
  for (const line of text.split('\n')) {
    const result = parse(line)
    if (result === undefined) continue
    results.delete(result.cell)
    results.set(result.cell, result)
  }
  return results
}

function parse(line: string): Result | undefined {
  try {
    return resultSchema.parse(JSON.parse(line))
  } catch {
    return undefined
  }
}

export async function appendResult(result: Result): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await appendFile(file, `${JSON.stringify(result)}\n`)
}

export const forgetResults = () => rm(file, { force: true })
