import { apis } from '../../protocol/index.ts'
import { bodyOf } from '../decision.ts'
import { assert } from '../../assert.ts'
import { anyOf } from '../table.ts'
import { shownProducerId } from '../timeline/index.ts'
import { translated, type Translation } from './translation.ts'

/**
 * InitProducerId without a transactional id: behind the splice the target issues it, and clients see it
 * with the tag of its issuer, so that it meets no id of the source's. An id that the client had before
 * is dropped; brokers do so too, and give a new one.
 */
export const translateInitProducerId: Translation = ({ view }, request) => {
  const api = apis.initProducerId
  if (!view.spliced) return undefined
  const asked = bodyOf(api, request)
  if (asked.transactionalId !== null) return undefined
  const body = { ...asked, producerId: -1n, producerEpoch: -1 }
  return translated(api, request, [{ to: anyOf('target'), body }], ([answer]) => {
    assert(answer !== undefined, 'the one that was asked has answered')
    return { ...answer, producerId: shownProducerId(answer.producerId, 1) }
  })
}
