import { apis, errorCodes } from '../../protocol/index.ts'
import { configuredResource, refuseConfig } from '../configs.ts'
import { handler } from '../handler.ts'

/** AlterConfigs, versions 0-2: replaces all that was set for a resource. */
export const alterConfigs = handler(apis.alterConfigs, { min: 0, max: 2 }, (request, call) => ({
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
    for (const { name, value } of configs) {
      const refused = refuseConfig(resourceType, name, value)
      if (refused !== undefined) return answer(refused.errorCode, refused.message)
    }
    if (request.validateOnly) return answer(errorCodes.NONE)
    resource.set.clear()
    for (const { name, value } of configs) if (value !== null) resource.set.set(name, value)
    return answer(errorCodes.NONE)
  }),
}))
