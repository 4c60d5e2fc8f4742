export { openFileJournal } from './file.ts'
export type { Journal } from './journal.ts'
