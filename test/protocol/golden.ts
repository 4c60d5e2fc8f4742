import { readdirSync, readFileSync } from 'node:fs'
import { apis, type Api } from '../../src/protocol/index.ts'

/** A frame that a real client or broker sent: see `capture.ts`. It is without its length. */
export interface GoldenFrame {
  /** Which client and which broker. */
  readonly file: string
  readonly api: Api
  readonly version: number
  readonly part: 'request' | 'response'
  readonly frame: Buffer
}

const directory = new URL('../golden/', import.meta.url)
const byName = new Map(Object.values<Api>(apis).map((api) => [api.name, api]))

function parseLine(file: string, line: string): GoldenFrame {
  const [name = '', version = '', part = '', hex = ''] = line.split(' ')
  const api = byName.get(name)
  if (api === undefined || (part !== 'request' && part !== 'response')) {
    throw new Error(`${file}: not a golden frame: ${line.slice(0, 60)}`)
  }
  return { file, api, version: Number(version), part, frame: Buffer.from(hex, 'hex') }
}

export const goldenFrames: readonly GoldenFrame[] = readdirSync(directory)
  .filter((file) => file.endsWith('.txt'))
  .flatMap((file) =>
    readFileSync(new URL(file, directory), 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => parseLine(file.replace('.txt', ''), line)),
  )
