import type { AdminEvent, AdminSource } from './source.ts'

export interface EventsLimits {
  readonly subscribersMax: number
  /** A subscriber that is this far behind is let go; it may come back. */
  readonly queuedEventsMax: number
  readonly heartbeatMs: number
}

/** Server-sent events (WHATWG HTML, section 9.2), to a bounded number of subscribers. */
export class EventStreams {
  readonly #source: AdminSource
  readonly #limits: EventsLimits
  readonly #open = new Set<() => void>()

  constructor(source: AdminSource, limits: EventsLimits) {
    this.#source = source
    this.#limits = limits
  }

  get full(): boolean {
    return this.#open.size >= this.#limits.subscribersMax
  }

  /** A stream that begins with the status, so that a page needs nothing else to start from. */
  open(): ReadableStream<Uint8Array> {
    const { queuedEventsMax, heartbeatMs } = this.#limits
    const encoder = new TextEncoder()
    let close = (): void => {}
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          const send = (text: string): void => {
            if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(text))
            else close()
          }
          const heartbeat = setInterval(() => send(': still here\n\n'), heartbeatMs)
          const unsubscribe = this.#source.subscribe((event) => send(eventText(event)))
          close = () => {
            if (!this.#open.delete(close)) return
            clearInterval(heartbeat)
            unsubscribe()
            try {
              controller.close()
            } catch {
              // The reader has cancelled the stream already.
            }
          }
          this.#open.add(close)
          send(`event: status\ndata: ${JSON.stringify(this.#source.status())}\n\n`)
        },
        cancel: () => close(),
      },
      { highWaterMark: queuedEventsMax },
    )
  }

  closeAll(): void {
    for (const close of this.#open) close()
  }
}

function eventText({ kind, ...event }: AdminEvent): string {
  return `event: ${kind}\ndata: ${JSON.stringify(event)}\n\n`
}
