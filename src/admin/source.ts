import type { CommandName, Direction, OffsetsStatus, Phase, Status } from './status.ts'

/** What the admin API shows and passes on: implemented by the sidecar. */
export interface AdminSource {
  readonly status: () => Status
  readonly ready: () => Readiness
  readonly metrics: () => Promise<{ readonly contentType: string; readonly body: string }>
  readonly command: (name: CommandName, body: CommandBody) => Promise<CommandResult>
  /** Where a position is that an application keeps itself. @param offset as clients see it */
  readonly offsets: (topic: string, partition: number, offset: bigint) => OffsetsResult
  /** @returns how to end the subscription */
  readonly subscribe: (listener: (event: AdminEvent) => void) => () => void
}

export interface Readiness {
  readonly ok: boolean
  readonly reason?: string
}

/** Checked: `dormant` comes with `cutover` and `rollback` only, one of the names with `forget`. */
export interface CommandBody {
  readonly dormant?: 'wait' | 'leave'
  readonly sidecar?: string
  readonly group?: string
}

export type CommandResult =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly error: string; readonly allowed: readonly CommandName[] }

export type OffsetsResult =
  | { readonly kind: 'known'; readonly value: OffsetsStatus }
  /** The topic, or the partition, is not in the plan: `error` says so, and what that means. */
  | { readonly kind: 'unknown'; readonly error: string }

/** A transition, told as it happens. */
export interface AdminEvent {
  readonly kind: 'transition'
  /** ISO 8601. */
  readonly time: string
  readonly from: Phase
  readonly to: Phase
  readonly direction: Direction
  readonly reason: string
}
