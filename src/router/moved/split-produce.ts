import {
  apis,
  decodeResponse,
  decodeResponseHeader,
  encodeRequest,
  encodeResponse,
  type ProduceRequest,
  type ProduceResponse,
} from '../../protocol/index.ts'
import { bodyOf, throttle, type Decision, type RequestFrame } from '../decision.ts'
import { partitionKey } from '../migration/state.ts'
import { joinTopics } from '../splits/partitions.ts'
import type { Destination, RoutingTable, Writing } from '../table.ts'
import { leadersOf, producedShift, type AnswerHere } from './produce.ts'

type ProducedTopic = ProduceRequest['topicData'][number]
type Produced = ProducedTopic['partitionData'][number]
type AnsweredTopic = ProduceResponse['responses'][number]
type Answered = AnsweredTopic['partitionResponses'][number]

/** A partition as clients know it, and how it is written. */
interface Shown {
  readonly topic: string
  readonly partition: number
  readonly writing: Writing | null
}

/** What one broker is told in one request, which has no partition of its twice; by `partitionKey`. */
interface ProducePart {
  readonly to: Destination
  readonly topics: Map<string, ProducedTopic & { readonly partitionData: Produced[] }>
  readonly shown: Map<string, Shown>
}

/**
 * A whole Produce, whose batches have the ids already, by its parts: each with the names and numbers of its
 * cluster, without what is `answered` here.
 */
export function splitMovedProduce(
  table: RoutingTable,
  request: RequestFrame,
  answered: ReadonlyMap<string, AnswerHere>,
): Decision {
  const api = apis.produce
  const { version } = request
  const asked = bodyOf(api, request)
  const parts: ProducePart[] = []
  const unknown = new Set<string>()
  const here: AnsweredTopic[] = []
  for (const topic of asked.topicData) {
    for (const produced of topic.partitionData) {
      const answer = answered.get(partitionKey(topic.name, produced.index))
      const routed = table.topics.get(topic.name)?.partitions[produced.index]
      if (answer !== undefined) here.push(answerHere(topic, produced.index, answer))
      else if (routed?.write == null) unknown.add(topic.name)
      else addTo(parts, routed.write, topic, produced, routed.writing)
    }
  }
  if (unknown.size > 0) return { kind: 'ask', question: leadersOf(table, [...unknown]) }
  return {
    kind: 'split',
    parts: parts.map(({ to, topics }) => ({
      to,
      frame: encodeRequest(api, version, request, { ...asked, topicData: [...topics.values()] }),
    })),
    merge: (frames) => {
      const answers = frames.map((frame) => {
        const { bodyOffset } = decodeResponseHeader(api, version, frame, 0)
        return decodeResponse(api, version, frame, bodyOffset)
      })
      const shown = answers.map(({ responses }, i) =>
        responses.flatMap((topic) => showTopic(topic, parts[i]?.shown)),
      )
      return encodeResponse(api, version, request.correlationId, {
        responses: joinTopics<AnsweredTopic, Answered>(
          [here, ...shown],
          (topic) => topic.name,
          (topic) => topic.partitionResponses,
          (topic, partitionResponses) => ({ ...topic, partitionResponses }),
        ),
        throttleTimeMs: throttle(answers),
        nodeEndpoints: [],
      })
    },
  }
}

const noLeader = { leaderId: -1, leaderEpoch: -1 }

const answerHere = (
  { name, topicId }: ProducedTopic,
  index: number,
  answer: AnswerHere,
): AnsweredTopic => ({
  name,
  topicId,
  partitionResponses: [
    {
      index,
      ...answer,
      logAppendTimeMs: -1n,
      logStartOffset: 0n,
      recordErrors: [],
      errorMessage: null,
      currentLeader: noLeader,
    },
  ],
})

/** To the first of the broker's requests that has nothing for this partition yet. */
function addTo(
  parts: ProducePart[],
  to: Destination,
  topic: ProducedTopic,
  produced: Produced,
  writing: Writing | null,
): void {
  const name = writing?.segment.topic ?? topic.name
  const index = writing?.segment.partition ?? produced.index
  const key = partitionKey(name, index)
  let part = parts.find((each) => each.to === to && !each.shown.has(key))
  if (part === undefined) parts.push((part = { to, topics: new Map(), shown: new Map() }))
  part.shown.set(key, { topic: topic.name, partition: produced.index, writing })
  const mine = part.topics.get(name)
  if (mine === undefined) {
    part.topics.set(name, { ...topic, name, partitionData: [{ ...produced, index }] })
  } else mine.partitionData.push({ ...produced, index })
}

/** What a broker says of one topic: of several, where it has a name that clients know otherwise. */
function showTopic(
  topic: AnsweredTopic,
  asked: ReadonlyMap<string, Shown> | undefined,
): AnsweredTopic[] {
  return topic.partitionResponses.map((answered) => {
    const shown = asked?.get(partitionKey(topic.name, answered.index))
    const partition = {
      ...answered,
      index: shown?.partition ?? answered.index,
      // Leader hints (KIP-951) name brokers of their own cluster: the client asks for Metadata.
      currentLeader: noLeader,
    }
    const isShifted = shown !== undefined && shown.writing !== null && answered.baseOffset >= 0n
    return {
      ...topic,
      name: shown?.topic ?? topic.name,
      partitionResponses: [isShifted ? shiftAnswer(partition, shown.writing) : partition],
    }
  })
}

function shiftAnswer(answered: Answered, writing: Writing): Answered {
  const { offset, logStart } = producedShift(writing)
  const { baseOffset, logStartOffset } = answered
  return {
    ...answered,
    baseOffset: baseOffset + offset,
    logStartOffset: logStartOffset < 0n ? -1n : logStart,
  }
}
