/**
 * Sums up a report of `vitest --reporter=json`: `node scripts/count-tests.ts REPORT`. Prints
 * `PASSED FAILED`, and on standard error what was skipped or never came to its tests.
 */
import { readFileSync } from 'node:fs'
import { argv } from 'node:process'
import type { JsonTestResults } from 'vitest/node'

// Written by the vitest of this checkout, whose type it is.
const report = JSON.parse(readFileSync(argv[2] ?? '', 'utf8')) as JsonTestResults

// A file that cannot be loaded, or whose hooks fail, has no failed test.
const broken = report.testResults.filter(
  ({ status, assertionResults }) =>
    status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
)
for (const { name, message } of broken) console.error(`broken: ${name}: ${message}`)
for (const { assertionResults } of report.testResults) {
  for (const { status, fullName } of assertionResults) {
    if (status !== 'passed' && status !== 'failed') console.error(`${status}: ${fullName}`)
  }
}
console.log(report.numPassedTests, report.numFailedTests + broken.length)
