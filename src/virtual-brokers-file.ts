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
        const targets = brokers.map((broker) => broker.target)
        writeFileSync(`${path}.new`, `${JSON.stringify({ format: 2, nodeIds, targets })}\n`)
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
    if (!('format' in content) || !('nodeIds' in content)) return []
    const nodeIds = distinct(content.nodeIds)
    // Format 1 knew of no target.
    const targets = 'targets' in content && content.format === 2 ? content.targets : []
    if (nodeIds === undefined || !Array.isArray(targets)) return []
    return nodeIds.map((id, i) => {
      const target: unknown = targets[i]
      return {
        slot: slotNumber(i + 1),
        nodeId: nodeId(id),
        target: Number.isInteger(target) ? nodeId(target as number) : null,
      }
    })
  } catch {
    return []
  }
}

function distinct(ids: unknown): readonly number[] | undefined {
  if (!Array.isArray(ids) || new Set(ids).size !== ids.length) return undefined
  return ids.every((id): id is number => Number.isInteger(id)) ? ids : undefined
}
