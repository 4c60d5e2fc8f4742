import { describe, expect, test } from 'vitest'
import { nodeId } from '../../src/ids.ts'
import { apis, errorCodes, type Decoded } from '../../src/protocol/index.ts'
import type { Values } from '../protocol/arbitrary.ts'
import { bootstrapPort } from './given.ts'
import { all, offered, real, rewritten, some, virtual } from './rewriters.ts'

describe('FindCoordinator', () => {
  const { findCoordinator } = apis
  const found = (id: number, version: number, key = 'billing', errorCode = 0): Values => {
    const where = errorCode === 0 ? { nodeId: id, ...real(id) } : { nodeId: -1, host: '', port: -1 }
    const message = version >= 1 ? { errorMessage: null } : {}
    return version >= 4
      ? { coordinators: [{ key, errorCode, ...message, ...where }] }
      : { errorCode, ...message, ...where }
  }
  const ask = (version: number, keyType: number): Values => ({
    ...(version >= 4 ? { key: '', coordinatorKeys: ['billing'] } : { key: 'billing' }),
    ...(version >= 1 ? { keyType } : {}),
  })
  const shown = (
    version: number,
    body: Decoded<(typeof findCoordinator)['response']['fields']>,
  ) => {
    const {
      nodeId: id,
      host,
      port,
      errorCode,
    } = version >= 4 ? (body.coordinators[0] ?? body) : body
    return { id, host, port, errorCode }
  }

  test.each(offered(findCoordinator))('v%d: of a group, with its virtual address', (version) => {
    const answer = rewritten(findCoordinator, version, found(2, version), all, ask(version, 0))
    expect(shown(version, answer.body)).toEqual({ id: 2, ...virtual(2), errorCode: 0 })
    expect(answer.nodeIds).toEqual([2])
    expect(answer.facts).toEqual([
      { kind: 'coordinator', of: 'group', key: 'billing', nodeId: nodeId(2) },
    ])
  })

  test.each(offered(findCoordinator).filter((v) => v >= 1))(
    'v%d: of a transactional id',
    (version) => {
      const { facts } = rewritten(findCoordinator, version, found(3, version), all, ask(version, 1))
      expect(facts).toEqual([
        { kind: 'coordinator', of: 'transaction', key: 'billing', nodeId: nodeId(3) },
      ])
    },
  )

  test('v6: of a share group, shown and not remembered', () => {
    const { facts, body } = rewritten(findCoordinator, 6, found(3, 6), all, ask(6, 2))
    expect(facts).toEqual([])
    expect(shown(6, body)).toEqual({ id: 3, ...virtual(3), errorCode: 0 })
  })

  test.each(offered(findCoordinator))(
    'v%d: at a broker without a virtual one, is not available yet',
    (version) => {
      for (const id of [3, 9]) {
        const { body, nodeIds } = rewritten(
          findCoordinator,
          version,
          found(id, version),
          some,
          ask(version, 0),
        )
        expect(shown(version, body)).toEqual({
          id: -1,
          host: '',
          port: -1,
          errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE,
        })
        expect(nodeIds).toEqual([id])
      }
    },
  )

  test.each(offered(findCoordinator))(
    'v%d: an error stays the error, and tells nothing',
    (version) => {
      const refused = found(-1, version, 'billing', errorCodes.GROUP_AUTHORIZATION_FAILED)
      const { body, facts, nodeIds } = rewritten(
        findCoordinator,
        version,
        refused,
        all,
        ask(version, 0),
      )
      expect(shown(version, body)).toEqual({
        id: -1,
        host: '',
        port: -1,
        errorCode: errorCodes.GROUP_AUTHORIZATION_FAILED,
      })
      expect([facts, nodeIds]).toEqual([[], []])
    },
  )

  test('v4: several, each by itself', () => {
    const coordinators = [
      ...[found(1, 4, 'a'), found(3, 4, 'b'), found(-1, 4, 'c', 15)].flatMap(
        (each) => each['coordinators'] as unknown[],
      ),
    ]
    const asked = { key: '', keyType: 0, coordinatorKeys: ['a', 'b', 'c'] }
    const { body, facts } = rewritten(findCoordinator, 4, { coordinators }, some, asked)
    expect(body.coordinators.map(({ key, errorCode, port }) => [key, errorCode, port])).toEqual([
      ['a', 0, bootstrapPort + 1],
      ['b', 15, -1],
      ['c', 15, -1],
    ])
    // What is learned is what the cluster said, virtual broker or not.
    expect(facts.map((fact) => fact.kind === 'coordinator' && fact.key)).toEqual(['a', 'b'])
  })
})

describe('Produce', () => {
  const { produce } = apis
  const refused = (leaderId: number, hints: readonly number[], errorCode = 6): Values => ({
    responses: [
      {
        name: 'orders',
        partitionResponses: [
          {
            index: 0,
            errorCode,
            baseOffset: -1n,
            currentLeader: { leaderId, leaderEpoch: 8 },
          },
          { index: 1, errorCode: 0, baseOffset: 5n },
        ],
      },
    ],
    nodeEndpoints: hints.map((id) => ({ nodeId: id, ...real(id), rack: 'r' })),
  })

  test.each([10, 11])('v%d: a hint at the leader (KIP-951) has its virtual address', (version) => {
    const { body, facts } = rewritten(produce, version, refused(2, [2]))
    expect(body.nodeEndpoints).toEqual([{ nodeId: 2, ...virtual(2), rack: 'r' }])
    const [moved, fine] = body.responses[0]?.partitionResponses ?? []
    expect(moved?.currentLeader).toEqual({ leaderId: 2, leaderEpoch: 8 })
    expect(fine).toMatchObject({ errorCode: 0, baseOffset: 5n })
    expect(facts).toEqual([{ kind: 'leaders-moved' }])
  })

  test.each([10, 11])('v%d: one at a broker without a virtual one is dropped, whole', (version) => {
    const { body } = rewritten(produce, version, refused(3, [3]), some)
    expect(body.nodeEndpoints).toEqual([])
    expect(body.responses[0]?.partitionResponses[0]?.currentLeader).toEqual({
      leaderId: -1,
      leaderEpoch: -1,
    })
  })

  test.each(offered(produce).filter((v) => v < 10))(
    'v%d: has none, and tells that a leader moved',
    (version) => {
      const { responses } = refused(-1, [])
      const plain = {
        responses: (responses as { name: string; partitionResponses: Values[] }[]).map((topic) => ({
          ...topic,
          partitionResponses: topic.partitionResponses.map(({ index, errorCode, baseOffset }) => ({
            index,
            errorCode,
            baseOffset,
          })),
        })),
      }
      const { facts, body } = rewritten(produce, version, plain)
      expect(facts).toEqual([{ kind: 'leaders-moved' }])
      expect(body.responses[0]?.partitionResponses.map(({ errorCode }) => errorCode)).toEqual([
        6, 0,
      ])
    },
  )

  test('another error tells nothing', () => {
    const { facts } = rewritten(produce, 11, refused(-1, [], errorCodes.MESSAGE_TOO_LARGE))
    expect(facts).toEqual([])
  })
})
