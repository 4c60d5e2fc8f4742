/** What the demo shows of a virtual broker: as any operator's script would read it. */
export interface Listener {
  readonly slot: number
  readonly address: string
  readonly nodeId: number | null
  readonly home: { readonly source: string | null }
}

const answerTimeoutMs = 1_000

/** @returns the virtual brokers, or none while the sidecar does not answer */
export async function virtualBrokers(adminUrl: string): Promise<readonly Listener[]> {
  try {
    const response = await fetch(`${adminUrl}/status`, {
      signal: AbortSignal.timeout(answerTimeoutMs),
    })
    return listenersOf(await response.json()).filter(({ nodeId }) => nodeId !== null)
  } catch {
    return []
  }
}

function listenersOf(status: unknown): readonly Listener[] {
  if (typeof status !== 'object' || status === null || !('listeners' in status)) return []
  return Array.isArray(status.listeners) ? status.listeners.filter(isListener) : []
}

function isListener(value: unknown): value is Listener {
  if (typeof value !== 'object' || value === null) return false
  const { slot, address, nodeId, home } = value as Partial<Record<keyof Listener, unknown>>
  return (
    typeof slot === 'number' &&
    typeof address === 'string' &&
    (nodeId === null || typeof nodeId === 'number') &&
    typeof home === 'object' &&
    home !== null &&
    'source' in home
  )
}
