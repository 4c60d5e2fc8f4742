import { emptyTopology, type Topology } from '../../../src/cluster/index.ts'
import { Group } from '../../../src/embedded/index.ts'
import { CutoverError } from '../../../src/errors.ts'
import { nodeId, type ClusterName } from '../../../src/ids.ts'
import type { OwnCluster } from '../../../src/migrator/groups/index.ts'
import {
  apis,
  decodeRequest,
  decodeRequestHeader,
  decodeResponse,
  decodeResponseHeader,
  encodeRequest,
  encodeResponse,
  type Api,
  type Decoded,
  type Encodable,
  type Fields,
} from '../../../src/protocol/index.ts'

export interface FakeLog {
  readonly start: bigint
  readonly end: bigint
  readonly records: Buffer
}

const latest = -1n

/** One broker, one connection's worth of Kafka: real bytes and real groups, without sockets or time. */
export class FakeCluster implements OwnCluster {
  readonly name: ClusterName
  readonly groups = new Map<string, Group>()
  readonly logs = new Map<string, FakeLog>()
  /** Names of the APIs that were asked for, in their order. */
  readonly asked: string[] = []
  /**
   * What goes wrong: an error code for those APIs that have one at the top, or a connection that is lost
   * before the cluster has done anything, or (`unheard`) with the answer.
   */
  fault: (apiKey: number) => number | 'lost' | 'unheard' | undefined = () => undefined
  readonly #now: () => number
  readonly #answers = new Map<number, (version: number, frame: Buffer) => Promise<Buffer>>()
  #ids = 0

  constructor(name: ClusterName, now: () => number) {
    this.name = name
    this.#now = now
    this.#answerReads()
    this.#answerGroups()
    this.#answerMembers()
  }

  get topology(): Topology {
    const broker = { nodeId: nodeId(1), host: 'fake', port: 1, rack: null }
    const partition = { leader: nodeId(1), leaderEpoch: 0, replicas: [nodeId(1)] }
    const names = [...this.logs.keys()].map((key) => key.split(' ')[0] ?? '')
    const topics = names.map((name) => {
      const partitions = names.filter((each) => each === name).map(() => partition)
      return [name, { name, topicId: null, partitions }] as const
    })
    return { ...emptyTopology, brokers: new Map([[nodeId(1), broker]]), topics: new Map(topics) }
  }

  refresh(): Promise<void> {
    return Promise.resolve()
  }
  version(_apiKey: number, known: number): number | undefined {
    return known
  }
  forgetCoordinator(): void {}
  close(): void {}

  group(id: string): Group {
    const group = this.groups.get(id) ?? new Group(id, 0)
    this.groups.set(id, group)
    return group
  }

  expire(): void {
    for (const group of this.groups.values()) group.expire(this.#now())
  }

  async ask<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    version: number,
    body: Encodable<Q>,
  ): Promise<Decoded<S>> {
    this.asked.push(api.name)
    const answer = this.#answers.get(api.key)
    const fault = this.fault(api.key)
    const lost = () => new CutoverError('upstream_closed', `the ${this.name} closed the connection`)
    if (fault === 'lost' || answer === undefined) throw lost()
    const header = { correlationId: 1, clientId: 'kafka-cutover' }
    const frame = await answer(version, encodeRequest(api, version, header, body).subarray(4))
    if (fault === 'unheard') throw lost()
    const { bodyOffset } = decodeResponseHeader(api, version, frame, 0)
    const decoded = decodeResponse(api, version, frame, bodyOffset)
    return fault === undefined ? decoded : { ...decoded, errorCode: fault }
  }

  /** One request as it comes over a connection, without its length; the answer is without it, too. */
  async handle(frame: Buffer): Promise<Buffer> {
    const { apiKey, apiVersion, correlationId } = decodeRequestHeader(frame, 0)
    const answer = this.#answers.get(apiKey)
    if (answer === undefined) throw new Error(`API ${apiKey} is not simulated`)
    const answered = await answer(apiVersion, frame)
    answered.writeInt32BE(correlationId, 0)
    return answered
  }

  on<Q extends Fields, S extends Fields>(
    api: Api<Q, S>,
    answer: (request: Decoded<Q>, clientId: string) => Encodable<S> | Promise<Encodable<S>>,
  ): void {
    this.#answers.set(api.key, async (version, frame) => {
      const { bodyOffset, clientId } = decodeRequestHeader(frame, 0)
      const request = decodeRequest(api, version, frame, bodyOffset)
      const body = await answer(request, clientId ?? '')
      return encodeResponse(api, version, 1, body).subarray(4)
    })
  }

  #answerReads(): void {
    this.on(apis.fetch, ({ topics }) => {
      const { topic = '', partitions = [] } = topics[0] ?? {}
      const { partition: partitionIndex = 0, fetchOffset = 0n } = partitions[0] ?? {}
      const log = this.logs.get(`${topic} ${partitionIndex}`)
      const isOut = log === undefined || fetchOffset < log.start || fetchOffset > log.end
      const read = { partitionIndex, errorCode: isOut ? 1 : 0, highWatermark: log?.end ?? -1n }
      const records = isOut ? null : fromOffset(log.records, fetchOffset)
      return { responses: [{ topic, partitions: [{ ...read, records }] }] }
    })
    this.on(apis.listOffsets, ({ topics }) => ({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex, timestamp }) => {
          const log = this.logs.get(`${name} ${partitionIndex}`)
          const offset = (timestamp === latest ? log?.end : log?.start) ?? -1n
          return { partitionIndex, errorCode: 0, offset }
        }),
      })),
    }))
  }

  #answerGroups(): void {
    this.on(apis.listGroups, () => ({
      errorCode: 0,
      groups: [...this.groups.values()].map(({ id, phase, protocolType }) => {
        return { groupId: id, protocolType: protocolType ?? '', groupState: phase }
      }),
    }))
    this.on(apis.describeGroups, ({ groups }) => ({
      groups: groups.map((id) => described(id, this.groups.get(id))),
    }))
    this.on(apis.offsetFetch, ({ groupId }) => ({
      errorCode: 0,
      topics: (this.groups.get(groupId)?.offsets.all() ?? []).map(({ topic, partitions }) => ({
        name: topic,
        partitions: partitions.map(({ partition: partitionIndex, value }) => ({
          partitionIndex,
          committedOffset: value.offset,
          metadata: value.metadata,
          errorCode: 0,
        })),
      })),
    }))
    this.on(apis.offsetCommit, ({ groupId, topics, ...by }) => {
      const group = this.group(groupId)
      const { memberId, generationIdOrMemberEpoch: generationId } = by
      const claim = { memberId, generationId, instanceId: by.groupInstanceId }
      const errorCode = group.judgeCommit(claim, this.#now())
      const answered = topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((each) => {
          const { committedOffset: offset, committedMetadata } = each
          const metadata = committedMetadata ?? ''
          if (errorCode === 0) {
            group.offsets.commit(name, each.partitionIndex, { offset, leaderEpoch: -1, metadata })
          }
          return { partitionIndex: each.partitionIndex, errorCode }
        }),
      }))
      return { topics: answered }
    })
  }

  #answerMembers(): void {
    this.on(apis.joinGroup, (request, clientId) => {
      const group = this.group(request.groupId)
      return new Promise((resolve) => {
        const { memberId, groupInstanceId: instanceId, protocolType, protocols } = request
        const ask = { memberId, instanceId, protocolType, protocols, mustKnowMemberId: true }
        const times = { ...request, clientId, clientHost: '/127.0.0.1' }
        const newMemberId = `${this.name}-${++this.#ids}`
        group.join(
          { ...times, ...ask, canSkipAssignment: false, newMemberId },
          this.#now(),
          (answer) => resolve({ ...answer, protocolName: answer.protocolName ?? '' }),
        )
      })
    })
    this.on(apis.syncGroup, (request) => {
      const { groupId, groupInstanceId: instanceId, assignments } = request
      const given = new Map(assignments.map((each) => [each.memberId, each.assignment]))
      const claim = { ...request, instanceId, protocolType: null, protocolName: null }
      return new Promise((resolve) => this.group(groupId).sync(claim, given, this.#now(), resolve))
    })
    this.on(apis.heartbeat, ({ groupId, groupInstanceId: instanceId, ...claim }) => {
      return { errorCode: this.group(groupId).heartbeat({ ...claim, instanceId }, this.#now()) }
    })
    this.on(apis.leaveGroup, ({ groupId, members }) => ({
      errorCode: 0,
      members: members.map(({ memberId, groupInstanceId }) => {
        const errorCode = this.group(groupId).leave(memberId, groupInstanceId, this.#now())
        return { memberId, groupInstanceId, errorCode }
      }),
    }))
  }
}

function described(groupId: string, group: Group | undefined) {
  const isStable = group?.phase === 'Stable'
  const members = (group?.members ?? []).map(({ id, clientId, clientHost, ...member }) => {
    const chosen = member.protocols.find(({ name }) => name === group?.protocol)
    const memberMetadata = (isStable ? chosen?.metadata : undefined) ?? Buffer.alloc(0)
    return {
      memberId: id,
      clientId,
      clientHost,
      memberMetadata,
      memberAssignment: member.assignment,
    }
  })
  return {
    errorCode: 0,
    groupId,
    groupState: group?.phase ?? 'Dead',
    protocolType: group?.protocolType ?? '',
    protocolData: isStable ? (group.protocol ?? '') : '',
    members,
  }
}

/** The batches that do not end before the offset, as a broker gives them. */
function fromOffset(records: Buffer, offset: bigint): Buffer {
  let start = 0
  while (start < records.length) {
    const last = records.readBigInt64BE(start) + BigInt(records.readInt32BE(start + 23))
    if (last >= offset) break
    start += 12 + records.readInt32BE(start + 8)
  }
  return records.subarray(start)
}
