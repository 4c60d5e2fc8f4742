import { z } from 'zod'

/** What the demo reads of the sidecar's `GET /status`: as any operator's script would. */
const statusShape = z.object({
  listeners: z.array(
    z.object({
      slot: z.number(),
      address: z.string(),
      nodeId: z.number().nullable(),
      home: z.object({ source: z.string().nullable() }),
    }),
  ),
})

export type Listener = z.infer<typeof statusShape>['listeners'][number]

const answerTimeoutMs = 1_000

/** @returns the virtual brokers, or none while the sidecar does not answer */
export async function virtualBrokers(adminUrl: string): Promise<readonly Listener[]> {
  try {
    const response = await fetch(`${adminUrl}/status`, {
      signal: AbortSignal.timeout(answerTimeoutMs),
    })
    const status = statusShape.safeParse(await response.json())
    return status.success ? status.data.listeners.filter(({ nodeId }) => nodeId !== null) : []
  } catch {
    return []
  }
}
