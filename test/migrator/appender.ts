import { openFileJournal } from '../../src/migrator/journal/index.ts'

/** A process that appends until it is killed, and tells what has been acknowledged. */
const journal = await openFileJournal(process.argv[2] ?? '')
for (let at = journal.entries.length; ; at++) {
  await journal.append({ kind: 'drained', at })
  process.stdout.write(`${at}\n`)
}
