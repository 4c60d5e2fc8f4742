import { apis, errorCodes, type IncrementalAlterConfigsRequest } from '../../protocol/index.ts'
import { configuredResource, refuseConfig, type ConfiguredResource } from '../configs.ts'
import { handler } from '../handler.ts'

/** IncrementalAlterConfigs, versions 0-1: set, delete, and for lists append and subtract (KIP-339). */
export const incrementalAlterConfigs = handler(
  apis.incrementalAlterConfigs,
  { min: 0, max: 1 },
  (request, call) => ({
    throttleTimeMs: 0,
    responses: request.resources.map(({ resourceType, resourceName, configs }) => {
      const answer = (errorCode: number, errorMessage: string | null = null) => ({
        resourceType,
        resourceName,
        errorCode,
        errorMessage,
      })
      const resource = configuredResource(call.shared, resourceType, resourceName)
      if (resource.kind === 'refused') return answer(resource.errorCode, resource.message)
      const changed = new Map(resource.set)
      for (const change of configs) {
        const value = changedValue(resource, change)
        if (value === 'unknown') return answer(errorCodes.INVALID_REQUEST, 'Unknown operation.')
        const refused = refuseConfig(resourceType, change.name, value)
        if (refused !== undefined) return answer(refused.errorCode, refused.message)
        if (value === null) changed.delete(change.name)
        else changed.set(change.name, value)
      }
      if (request.validateOnly) return answer(errorCodes.NONE)
      resource.set.clear()
      for (const [name, value] of changed) resource.set.set(name, value)
      return answer(errorCodes.NONE)
    }),
  }),
)

type Change = IncrementalAlterConfigsRequest['resources'][number]['configs'][number]
const operations = { set: 0, delete: 1, append: 2, subtract: 3 } as const

/** @returns the new value, null for the default */
function changedValue({ set, defaults }: ConfiguredResource, change: Change): string | null {
  const current = (set.get(change.name) ?? defaults[change.name] ?? '').split(',').filter(Boolean)
  const given = (change.value ?? '').split(',').filter(Boolean)
  switch (change.configOperation) {
    case operations.set:
      return change.value ?? 'unknown'
    case operations.delete:
      return null
    case operations.append:
      return [...new Set([...current, ...given])].join(',')
    case operations.subtract:
      return current.filter((entry) => !given.includes(entry)).join(',')
    default:
      return 'unknown'
  }
}
