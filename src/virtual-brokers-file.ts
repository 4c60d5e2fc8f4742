import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { VirtualBroker } from './cluster/index.ts'
import { nodeId, slotNumber } from './ids.ts'

/**
 * The numbers of the virtual brokers, kept for good: clients remember addresses across a restart of the
 * sidecar. A file that is missing or makes no sense only means that they are numbered anew.
 */
export interface VirtualBrokersFile {
  readonly known: readonly VirtualBroker[]
  keep(brokers: readonly VirtualBroker[]): void
}

export function openVirtualBrokersFile(
  path: string,
  failed: (error: Error) => void,
): VirtualBrokersFile {
  return {
    known: read(path),
    keep(brokers) {
      try {
        mkdirSync(dirname(path), { recursive: true })
        const nodeIds = brokers.map((broker) => broker.nodeId)
        writeFileSync(`${path}.new`, `${JSON.stringify({ format: 1, nodeIds })}\n`)
        renameSync(`${path}.new`, path)
      } catch (error) {
        failed(error as Error)
      }
    },
  }
}

function read(path: string): readonly VirtualBroker[] {
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof content !== 'object' || content === null) return []
    if (!('format' in content) || content.format !== 1 || !('nodeIds' in content)) return []
    const { nodeIds } = content
    if (!Array.isArray(nodeIds) || new Set(nodeIds).size !== nodeIds.length) return []
    if (!nodeIds.every((id): id is number => Number.isInteger(id))) return []
    return nodeIds.map((id, i) => ({ slot: slotNumber(i + 1), nodeId: nodeId(id) }))
  } catch {
    return []
  }
}
