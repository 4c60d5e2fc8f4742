import { errorCodes } from '../protocol/index.ts'

/**
 * Transactions at their coordinator, as before KIP-890 part 2 (version 1: epochs change in
 * InitProducerId only). Pure: time is an argument; `complete` writes the markers.
 *
 *     Empty --add--> Ongoing --end--> Ended --add--> Ongoing ...
 *                       |  init, timeout: aborted, and its producer fenced
 *                       +-> Ended
 *
 * Markers are written in the same turn, so that there is no prepared state and no
 * CONCURRENT_TRANSACTIONS. Not handled: version 2, two-phase commit, expiry of transactional ids.
 */
type Status =
  | { readonly kind: 'Empty' }
  | {
      readonly kind: 'Ongoing'
      readonly end: number
      readonly partitions: Map<string, Set<number>>
      readonly groups: Set<string>
    }
  | { readonly kind: 'Ended'; readonly isCommit: boolean }

interface Transaction {
  producerId: bigint
  epoch: number
  timeoutMs: number
  /** When the last transaction began; -1 before the first. */
  startedAt: number
  status: Status
}

/** As brokers name them; there is no prepared state here. */
export const transactionStates: readonly string[] = [
  ...['Empty', 'Ongoing', 'PrepareCommit', 'PrepareAbort', 'CompleteCommit', 'CompleteAbort'],
  ...['Dead', 'PrepareEpochFence'],
]

export interface ListedTransaction {
  readonly transactionalId: string
  readonly producerId: bigint
  readonly state: string
  /** ms by the cluster's clock; -1 before the first transaction */
  readonly startedAt: number
}

export interface TransactionClaim {
  readonly transactionalId: string
  readonly producerId: bigint
  readonly producerEpoch: number
}

export interface Completion {
  readonly producer: { readonly id: bigint; readonly epoch: number }
  readonly isCommit: boolean
  readonly partitions: ReadonlyMap<string, ReadonlySet<number>>
  readonly groups: ReadonlySet<string>
}

export interface InitResult {
  readonly errorCode: number
  readonly producerId: bigint
  readonly producerEpoch: number
}

const epochMax = 0x7fff
const failed = (errorCode: number): InitResult => ({
  errorCode,
  producerId: -1n,
  producerEpoch: -1,
})

export class Transactions {
  readonly #transactions = new Map<string, Transaction>()
  readonly #complete: (completion: Completion) => void
  readonly #begun: () => void

  /** @param begun is called when there may be a new deadline */
  constructor(complete: (completion: Completion) => void, begun: () => void) {
    this.#complete = complete
    this.#begun = begun
  }

  init(
    claim: TransactionClaim & { readonly timeoutMs: number },
    newProducerId: () => bigint,
  ): InitResult {
    const { transactionalId, timeoutMs } = claim
    const known = this.#transactions.get(transactionalId)
    if (known === undefined) {
      const made: Transaction = {
        producerId: newProducerId(),
        epoch: 0,
        timeoutMs,
        startedAt: -1,
        status: { kind: 'Empty' },
      }
      this.#transactions.set(transactionalId, made)
      return succeeded(made)
    }
    // KIP-360: a producer that names its id and epoch must still be the current one.
    const isNamed = claim.producerId >= 0n
    if (isNamed && (claim.producerId !== known.producerId || claim.producerEpoch !== known.epoch))
      return failed(errorCodes.PRODUCER_FENCED)
    bump(known, newProducerId)
    if (known.status.kind === 'Ongoing') this.#end(known, false)
    known.timeoutMs = timeoutMs
    known.status = { kind: 'Empty' }
    return succeeded(known)
  }

  #judge(claim: TransactionClaim): { errorCode: number; transaction?: Transaction } {
    const transaction = this.#transactions.get(claim.transactionalId)
    if (transaction === undefined || transaction.producerId !== claim.producerId)
      return { errorCode: errorCodes.INVALID_PRODUCER_ID_MAPPING }
    if (transaction.epoch !== claim.producerEpoch) return { errorCode: errorCodes.PRODUCER_FENCED }
    return { errorCode: errorCodes.NONE, transaction }
  }

  addPartitions(
    claim: TransactionClaim,
    partitions: Iterable<readonly [topic: string, partition: number]>,
    now: number,
  ): number {
    const { errorCode, transaction } = this.#judge(claim)
    if (transaction === undefined) return errorCode
    const ongoing = this.#begin(transaction, now)
    for (const [topic, partition] of partitions) {
      const numbers = ongoing.partitions.get(topic) ?? new Set()
      ongoing.partitions.set(topic, numbers.add(partition))
    }
    return errorCodes.NONE
  }

  addGroup(claim: TransactionClaim, group: string, now: number): number {
    const { errorCode, transaction } = this.#judge(claim)
    if (transaction !== undefined) this.#begin(transaction, now).groups.add(group)
    return errorCode
  }

  #begin(transaction: Transaction, now: number) {
    const { status } = transaction
    if (status.kind === 'Ongoing') return status
    const begun = {
      kind: 'Ongoing' as const,
      end: now + transaction.timeoutMs,
      partitions: new Map<string, Set<number>>(),
      groups: new Set<string>(),
    }
    transaction.status = begun
    transaction.startedAt = now
    this.#begun()
    return begun
  }

  /** Whether a transactional batch for this partition belongs to an open transaction (KIP-890). */
  verify(claim: TransactionClaim, topic: string, partition: number): number {
    const { errorCode, transaction } = this.#judge(claim)
    // The epoch is judged by the log, with the error that Produce has for it.
    if (errorCode === errorCodes.PRODUCER_FENCED) return errorCodes.NONE
    if (transaction === undefined) return errorCode
    const { status } = transaction
    const isIn = status.kind === 'Ongoing' && status.partitions.get(topic)?.has(partition) === true
    return isIn ? errorCodes.NONE : errorCodes.INVALID_TXN_STATE
  }

  end(claim: TransactionClaim, isCommit: boolean): number {
    const { errorCode, transaction } = this.#judge(claim)
    if (transaction === undefined) return errorCode
    const { status } = transaction
    switch (status.kind) {
      case 'Ongoing':
        this.#end(transaction, isCommit)
        return errorCodes.NONE
      case 'Ended':
        // The repeated question of a client that lost the answer.
        return status.isCommit === isCommit ? errorCodes.NONE : errorCodes.INVALID_TXN_STATE
      case 'Empty':
        return errorCodes.INVALID_TXN_STATE
    }
  }

  #end(transaction: Transaction, isCommit: boolean): void {
    const { status, producerId, epoch } = transaction
    if (status.kind !== 'Ongoing') return
    transaction.status = { kind: 'Ended', isCommit }
    const { partitions, groups } = status
    this.#complete({ producer: { id: producerId, epoch }, isCommit, partitions, groups })
  }

  all(): ListedTransaction[] {
    return [...this.#transactions].map(([transactionalId, { producerId, status, startedAt }]) => ({
      ...{ transactionalId, producerId, startedAt },
      state: stateOf(status),
    }))
  }

  nextDeadline(): number {
    let next = Infinity
    for (const { status } of this.#transactions.values())
      if (status.kind === 'Ongoing') next = Math.min(next, status.end)
    return next
  }

  /** Aborts what has run out of time, and fences its producer. */
  expire(now: number): void {
    for (const transaction of this.#transactions.values()) {
      if (transaction.status.kind !== 'Ongoing' || transaction.status.end > now) continue
      if (transaction.epoch < epochMax) transaction.epoch++
      this.#end(transaction, false)
    }
  }
}

/** The greatest epoch is kept for fencing: then comes a new id (KIP-98). */
function bump(transaction: Transaction, newProducerId: () => bigint): void {
  if (transaction.epoch < epochMax - 1) transaction.epoch++
  else {
    transaction.producerId = newProducerId()
    transaction.epoch = 0
  }
}

function stateOf(status: Status): string {
  if (status.kind !== 'Ended') return status.kind
  return status.isCommit ? 'CompleteCommit' : 'CompleteAbort'
}

const succeeded = ({ producerId, epoch }: Transaction): InitResult => ({
  errorCode: errorCodes.NONE,
  producerId,
  producerEpoch: epoch,
})
