import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { endProcess, spawnTied } from '../../kafka/index.ts'
import { pause, type Stage } from './stage.ts'

/** A Java consumer that is told where to read (test/clients/java/Reader.java). */
export interface Reader {
  /** Does one thing, and says what came of it; `error ...` where it threw. */
  ask(command: string): Promise<string>
  stop(): Promise<void>
}

export function startReader(
  stage: Stage,
  bootstrap: string,
  topic: string,
  { group, version = 'java-4.3.1' }: { group?: string; version?: 'java-4.3.1' | 'java-2.8.2' } = {},
): Reader {
  const { command, args } = stage.program(version)
  const java = [...args.slice(0, -1), 'Reader']
  const child = spawnTied(
    command,
    [...java, bootstrap, topic, ...(group === undefined ? [] : [group])],
    {
      stdio: ['pipe', 'pipe', 'ignore'],
    },
  )
  const { stdin, stdout } = child
  if (stdin === null || stdout === null) throw new Error('a reader without pipes')
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
  const stop = async () => {
    stdin.end()
    if (child.exitCode === null) await Promise.race([once(child, 'exit'), pause(10_000)])
    await endProcess(child, 'SIGKILL')
  }
  stage.atEnd(stop)
  return {
    async ask(text) {
      stdin.write(`${text}\n`)
      const line = await lines.next()
      if (line.done === true) throw new Error(`the reader ended at ${text}`)
      return line.value
    },
    stop,
  }
}
