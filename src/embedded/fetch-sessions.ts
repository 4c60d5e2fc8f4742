import { errorCodes } from '../protocol/index.ts'

/**
 * Incremental fetch sessions of one broker (KIP-227). Pure. A session remembers what a client wants
 * to know and what it was told, so that requests name what has changed and answers what is new.
 *
 *     id 0, epoch 0    full fetch, makes a session       id n, epoch 0     full fetch, replaces session n
 *     id 0, epoch -1   full fetch, without a session     id n, epoch -1    full fetch, ends session n
 *     id n, epoch e    incremental: e must be the expected one
 */
export interface WantedPartition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly currentLeaderEpoch: number
  readonly fetchOffset: bigint
  readonly lastFetchedEpoch: number
  readonly partitionMaxBytes: number
}

/** What a client was last told of a partition; an answer without news leaves it out. */
interface Told {
  highWatermark: bigint
  logStartOffset: bigint
}

interface Entry {
  wanted: WantedPartition
  told: Told | undefined
}

interface Session {
  readonly id: number
  /** By topic id (v13+), else by name: a session keeps to one of them. */
  readonly usesTopicIds: boolean
  nextEpoch: number
  entries: Map<string, Entry>
}

export interface PartitionNews {
  readonly errorCode: number
  readonly highWatermark: bigint
  readonly logStartOffset: bigint
  readonly recordBytes: number
}

/** What one Fetch is about. `isNews` decides, once, whether the answer names the partition. */
export interface FetchContext {
  readonly kind: 'context'
  readonly sessionId: number
  readonly wanted: readonly WantedPartition[]
  isNews(wanted: WantedPartition, news: PartitionNews): boolean
}

export interface SessionAsk {
  readonly sessionId: number
  readonly sessionEpoch: number
  readonly usesTopicIds: boolean
  readonly wanted: readonly WantedPartition[]
  readonly forgotten: readonly {
    readonly topic: string
    readonly topicId: string
    readonly partition: number
  }[]
}

const keyOf = (
  usesTopicIds: boolean,
  { topic, topicId, partition }: { topic: string; topicId: string; partition: number },
): string => `${usesTopicIds ? topicId : topic}/${partition}`

/** After the greatest int32 comes 1: 0 and -1 have meanings of their own. */
const nextEpochAfter = (epoch: number): number => (epoch === 0x7fffffff ? 1 : epoch + 1)

export class FetchSessions {
  readonly #sessions = new Map<number, Session>()
  readonly #max: number
  #lastId = 0

  constructor(max: number) {
    this.#max = max
  }

  get size(): number {
    return this.#sessions.size
  }

  /** @returns what to fetch, or the error of the whole request */
  open(ask: SessionAsk): FetchContext | { readonly kind: 'refused'; readonly errorCode: number } {
    const { sessionId, sessionEpoch } = ask
    if (sessionEpoch === 0 || sessionEpoch === -1) {
      this.#sessions.delete(sessionId)
      return sessionEpoch === 0 ? this.#full(ask) : withoutSession(ask.wanted)
    }
    const session = this.#sessions.get(sessionId)
    if (session === undefined)
      return { kind: 'refused', errorCode: errorCodes.FETCH_SESSION_ID_NOT_FOUND }
    if (session.nextEpoch !== sessionEpoch)
      return { kind: 'refused', errorCode: errorCodes.INVALID_FETCH_SESSION_EPOCH }
    if (session.usesTopicIds !== ask.usesTopicIds)
      return { kind: 'refused', errorCode: errorCodes.FETCH_SESSION_TOPIC_ID_ERROR }
    session.nextEpoch = nextEpochAfter(sessionEpoch)
    return incremental(session, ask)
  }

  #full(ask: SessionAsk): FetchContext {
    // A full cache makes no session: the client goes on with full fetches.
    if (this.#sessions.size >= this.#max) return withoutSession(ask.wanted)
    const { usesTopicIds } = ask
    const entries = new Map(
      ask.wanted.map((wanted) => [keyOf(usesTopicIds, wanted), { wanted, told: undefined }]),
    )
    const session: Session = { id: ++this.#lastId, usesTopicIds, nextEpoch: 1, entries }
    this.#sessions.set(session.id, session)
    return {
      kind: 'context',
      sessionId: session.id,
      wanted: ask.wanted,
      isNews(wanted, news) {
        tell(session, wanted, news)
        return true
      },
    }
  }
}

function withoutSession(wanted: readonly WantedPartition[]): FetchContext {
  return { kind: 'context', sessionId: 0, wanted, isNews: () => true }
}

function incremental(session: Session, ask: SessionAsk): FetchContext {
  for (const forgotten of ask.forgotten)
    session.entries.delete(keyOf(session.usesTopicIds, forgotten))
  for (const wanted of ask.wanted) {
    const key = keyOf(session.usesTopicIds, wanted)
    session.entries.set(key, { wanted, told: session.entries.get(key)?.told })
  }
  return {
    kind: 'context',
    sessionId: session.id,
    wanted: [...session.entries.values()].map(({ wanted }) => wanted),
    isNews: (wanted, news) => tell(session, wanted, news),
  }
}

function tell(session: Session, wanted: WantedPartition, news: PartitionNews): boolean {
  const key = keyOf(session.usesTopicIds, wanted)
  const entry = session.entries.get(key)
  if (entry === undefined) return true
  const { told } = entry
  const isNews =
    news.recordBytes > 0 ||
    news.errorCode !== 0 ||
    told?.highWatermark !== news.highWatermark ||
    told.logStartOffset !== news.logStartOffset
  // After an error the next answer names the partition whatever it says.
  entry.told = news.errorCode === 0 ? { ...news } : undefined
  if (news.recordBytes > 0) {
    // Who got records goes to the end of the queue, so that nobody starves behind a busy partition.
    session.entries.delete(key)
    session.entries.set(key, entry)
  }
  return isNews
}
