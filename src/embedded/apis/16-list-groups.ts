import { apis, errorCodes } from '../../protocol/index.ts'
import { handler } from '../handler.ts'
import { refuseGroup } from './coordination.ts'

/** ListGroups, versions 0-5: those that this broker coordinates. v4: by state. v5: by type. */
export const listGroups = handler(apis.listGroups, { min: 0, max: 5 }, (request, call) => {
  const states = new Set(request.statesFilter.map((state) => state.toLowerCase()))
  const types = new Set(request.typesFilter.map((type) => type.toLowerCase()))
  const groups = call.shared.groups
    .all()
    .filter(({ id }) => refuseGroup(call, id) === errorCodes.NONE)
    .filter(({ phase }) => states.size === 0 || states.has(phase.toLowerCase()))
    .filter(() => types.size === 0 || types.has('classic'))
  return {
    errorCode: errorCodes.NONE,
    groups: groups.map(({ id, phase, protocolType }) => ({
      groupId: id,
      protocolType: protocolType ?? '',
      groupState: phase,
      groupType: 'classic',
    })),
  }
})
