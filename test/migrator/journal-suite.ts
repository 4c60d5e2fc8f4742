import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Journal } from '../../src/migrator/journal/index.ts'
import { anyEntry, drained, fence, splice, target } from '../router/migration/given.ts'

/** A place for one journal, empty at first. */
export interface Place {
  /** Opens the journal, which may have been written to, and closed, before. */
  open(): Promise<Journal>
  remove(): Promise<void>
}

/** What every implementation of `Journal` must do. */
export function journalSuite(name: string, newPlace: () => Promise<Place>): void {
  describe(name, () => {
    let place: Place
    let journal: Journal
    beforeEach(async () => {
      place = await newPlace()
      journal = await place.open()
    })
    afterEach(async () => {
      await journal.close()
      await place.remove()
    })
    const reopen = async (): Promise<void> => {
      await journal.close()
      journal = await place.open()
    }

    it('is empty at first, also when it is opened again', async () => {
      expect(journal.entries).toEqual([])
      await reopen()
      expect(journal.entries).toEqual([])
    })

    it('holds what was appended, in its order, also when it is opened again', async () => {
      await journal.append(fence)
      await journal.append(splice)
      expect(journal.entries).toEqual([fence, splice])
      await reopen()
      expect(journal.entries).toEqual([fence, splice])
      await journal.append(drained)
      await reopen()
      expect(journal.entries).toEqual([fence, splice, drained])
    })

    it('gives every entry back as it was', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(anyEntry, { maxLength: 5 }), async (entries) => {
          const before = [...journal.entries]
          for (const entry of entries) await journal.append(entry)
          await reopen()
          expect(journal.entries).toEqual([...before, ...entries])
        }),
        { numRuns: 30 },
      )
    })

    it('shows an entry when it is durable, not before', async () => {
      const appended = journal.append(fence)
      expect(journal.entries).toEqual([])
      await appended
      expect(journal.entries).toEqual([fence])
    })

    it('appends in the order of the calls', async () => {
      const entries = Array.from({ length: 20 }, (_, at) => ({ ...target, at }))
      await Promise.all(entries.map((entry) => journal.append(entry)))
      expect(journal.entries).toEqual(entries)
      await reopen()
      expect(journal.entries).toEqual(entries)
    })

    it('finishes what is being appended before it closes, and takes nothing afterwards', async () => {
      const appended = journal.append(fence)
      await journal.close()
      await expect(appended).resolves.toBeUndefined()
      await expect(journal.append(splice)).rejects.toMatchObject({ kind: 'journal_failed' })
      await journal.close()
      journal = await place.open()
      expect(journal.entries).toEqual([fence])
    })

    it('does not take what could not be read again', async () => {
      await expect(journal.append({ ...drained, at: NaN })).rejects.toThrow('could not be read')
      await journal.append(drained)
      await reopen()
      expect(journal.entries).toEqual([drained])
    })
  })
}
