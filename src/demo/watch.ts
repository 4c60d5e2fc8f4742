import type { AdminEvent, Status } from '../admin/index.ts'

/**
 * The sidecar as its operator sees it: over the admin port, with nothing that a script with curl could not
 * do.
 */
export class Watch {
  readonly #url: string
  readonly #ended = new AbortController()
  readonly #timer: NodeJS.Timeout
  #last: Status | undefined

  /**
   * @param changed called with each status that is read, and the one before
   * @param entered called with each transition, as it happens
   */
  constructor(
    url: string,
    changed: (now: Status, before: Status | undefined) => void,
    entered: (transition: AdminEvent) => void,
  ) {
    this.#url = url
    let reading = false
    const read = async () => {
      if (reading) return
      reading = true
      const status = await this.#status()
      reading = false
      if (status === undefined || this.#ended.signal.aborted) return
      const before = this.#last
      this.#last = status
      changed(status, before)
    }
    this.#timer = setInterval(() => void read(), pollMs)
    void this.#follow(entered)
  }

  /** None until the sidecar has answered. */
  get status(): Status | undefined {
    return this.#last
  }

  async #status(): Promise<Status | undefined> {
    try {
      const signal = AbortSignal.any([this.#ended.signal, AbortSignal.timeout(answerTimeoutMs)])
      const json: unknown = await (await fetch(`${this.#url}/status`, { signal })).json()
      return isStatus(json) ? json : undefined
    } catch {
      return undefined
    }
  }

  /** `POST /cutover`. @returns what the sidecar says against it, if it does */
  async cutover(): Promise<string | undefined> {
    const response = await fetch(`${this.#url}/cutover`, {
      method: 'POST',
      signal: AbortSignal.timeout(answerTimeoutMs),
    })
    const json: unknown = await response.json()
    return response.ok ? undefined : errorOf(json)
  }

  /** `GET /events`: a phase may be shorter than the time between two questions for the status. */
  async #follow(entered: (transition: AdminEvent) => void): Promise<void> {
    const { signal } = this.#ended
    try {
      const { body } = await fetch(`${this.#url}/events`, { signal })
      let unread = ''
      for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) {
        const events = (unread + chunk).split('\n\n')
        unread = events.pop() ?? ''
        for (const event of events) {
          const transition = transitionOf(event)
          if (transition !== undefined) entered(transition)
        }
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  end(): void {
    clearInterval(this.#timer)
    this.#ended.abort()
  }
}

const pollMs = 50
const answerTimeoutMs = 5_000

function transitionOf(event: string): AdminEvent | undefined {
  const [, json] = /^event: transition\ndata: (.*)$/.exec(event) ?? []
  if (json === undefined) return undefined
  const transition: unknown = JSON.parse(json)
  return isTransition(transition) ? transition : undefined
}

const errorOf = (json: unknown): string =>
  typeof json === 'object' && json !== null && 'error' in json
    ? String(json.error)
    : 'the sidecar does not say why'

const isTransition = (json: unknown): json is AdminEvent =>
  typeof json === 'object' && json !== null && 'from' in json && 'to' in json && 'reason' in json

/** Looks at what tells a status from anything else; the rest is the same version's word. */
const isStatus = (json: unknown): json is Status =>
  typeof json === 'object' &&
  json !== null &&
  'phase' in json &&
  'fence' in json &&
  'groups' in json &&
  Array.isArray(json.groups)
