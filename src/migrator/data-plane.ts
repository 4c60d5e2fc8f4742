import type { Retained, SequenceBases, View } from '../router/index.ts'
import type { Held } from './groups/index.ts'

/** Somebody who reads topics, by their names. A Fetch names no group. */
export interface Reading {
  readonly clientId: string
  readonly topics: ReadonlySet<string>
}

/** The part of the data plane that a migration acts on. */
export interface DataPlane {
  show(view: View): void
  /**
   * Resolves when all that is being produced now is answered or has failed.
   * @returns whether nothing of it will be sent again
   */
  produced(): Promise<boolean>
  /** How many connections have ended so far under something that was being produced. */
  readonly lostProduces: number
  /** How many Fetches wait at brokers that were sent before `shortFetches`. */
  readonly longFetches: number
  /** Behind the highest offset acknowledged since the fence was prepared, by `partitionKey`. */
  readonly ackedEnds: ReadonlyMap<string, bigint>
  /** Closes the connections of those who are held. */
  endHeld(): void
  /** Clients that were offered versions which the target does not have connect anew. */
  endOutdated(): void
  readonly retained: Retained
  readonly bases: SequenceBases
  /** Requests that wait are decided anew. */
  retry(): void
  /** Whose joins are held while a group moves. */
  readonly groups: { held(group: string): Held }
  /** Who has asked for records of which topics lately, while nothing has moved. */
  readonly reading: readonly Reading[]
  /** Who has asked for a partition that has moved lately, and at which virtual offset. */
  readers(
    topic: string,
    partition: number,
  ): readonly { readonly clientId: string; readonly offset: bigint }[]
}
