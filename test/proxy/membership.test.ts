/** A JoinGroup that is taken to the target, and whose client goes away. */
import { expect, test } from 'vitest'
import { apis, decodeRequestHeader, encodeRequest, errorCodes } from '../../src/protocol/index.ts'
import { joinMoved, type JoinOwner } from '../../src/proxy/membership.ts'
import { noView } from '../../src/router/index.ts'

const version = 5
const header = { correlationId: 1, clientId: 'app' }
const frame = encodeRequest(apis.joinGroup, version, header, {
  ...{ groupId: 'billing', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 60_000 },
  ...{ memberId: 'of the source', protocolType: 'consumer', protocols: [] },
}).subarray(4)
const { bodyOffset } = decodeRequestHeader(frame, 0)
const request = { api: apis.joinGroup, version, ...header, frame, bodyOffset }

/** A session whose group has moved; the target gives it an id, and then lets it wait. */
function waitingSession() {
  const left = Promise.withResolvers<unknown>()
  const joining = Promise.withResolvers<void>()
  const opened = Promise.resolve()
  const upstream = {
    opened,
    request: (_api: unknown, _version: number, { memberId }: { memberId: string }) => {
      if (memberId === '') {
        return Promise.resolve({ errorCode: errorCodes.MEMBER_ID_REQUIRED, memberId: 'new' })
      }
      joining.resolve()
      return new Promise(() => {})
    },
  }
  const own = {
    opened,
    request: (_api: unknown, _version: number, body: unknown) => {
      left.resolve(body)
      return Promise.resolve({ errorCode: 0 })
    },
    end() {},
  }
  const target = {
    coordinator: () => ({ cluster: 'target', nodeId: 1 }),
    version: (_key: number, known: number) => known,
    openOwn: () => own,
  }
  const view = { ...noView, spliced: true, groups: new Map([['billing', 'target']]) }
  const owner = {
    gone: false,
    context: {
      ...{ table: () => ({ view }), cluster: () => target },
      groups: { isMoving: () => false, joined() {} },
    },
    brokers: { connect: () => upstream },
  }
  return { owner, left: left.promise, joining: joining.promise }
}

test('a client that goes away while its join waits leaves no member behind', async () => {
  const { owner, left, joining } = waitingSession()
  void joinMoved(owner as unknown as JoinOwner, request)
  await joining
  owner.gone = true
  expect(await left).toEqual({
    groupId: 'billing',
    members: [{ memberId: 'new', groupInstanceId: null }],
  })
})
