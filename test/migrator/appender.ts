import { openFileJournal } from '../../src/migrator/journal/index.ts'

/**
 * A process that appends until it is killed, and tells of each entry whether it was acknowledged; or as
 * many times as it is told to.
 */
const [, , path = '', times = 'Infinity'] = process.argv
const journal = await openFileJournal(path)
for (let i = 0; i < Number(times); i++) {
  const at = journal.entries.length
  const told = await journal.append({ kind: 'drained', at }).then(
    () => `${at}`,
    (error: unknown) => String(error),
  )
  process.stdout.write(`${told}\n`)
}
await journal.close()
