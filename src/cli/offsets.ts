import type { OffsetsStatus, OffsetStatus } from '../admin/index.ts'
import { getOffsets, type AdminAddress } from './api.ts'
import { exitCodes, type CliDeps } from './deps.ts'
import { failed } from './remote.ts'

export interface OffsetsArgs {
  readonly admin: AdminAddress
  readonly topic: string
  readonly partition: string
  readonly offset: string
  readonly json: boolean
}

/** Translates a position that an application keeps itself. */
export async function offsets(args: OffsetsArgs, deps: CliDeps): Promise<number> {
  const answer = await getOffsets(args.admin, args)
  if (answer.kind === 'ok') {
    deps.stdout.write(
      args.json ? `${JSON.stringify(answer.json, null, 2)}\n` : offsetsText(answer.value),
    )
    return exitCodes.done
  }
  if (answer.kind === 'no' && (answer.status === 400 || answer.status === 404)) {
    deps.stderr.write(`${answer.error}\n`)
    return answer.status === 404 ? exitCodes.refused : exitCodes.usage
  }
  return failed(answer, deps)
}

function offsetsText({ topic, partition, offset, source, target }: OffsetsStatus): string {
  return [
    `clients  ${topic} ${partition}  offset ${offset}`,
    `source   ${placeText(source)}`,
    `target   ${placeText(target)}`,
    '',
  ].join('\n')
}

const placeText = (place: OffsetStatus | null): string =>
  place === null ? 'not there' : `${place.topic} ${place.partition}  offset ${place.offset}`
