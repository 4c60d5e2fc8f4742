import { run } from './processes.ts'

/** What this machine can start Kafka with; probed once per process. */
export interface Availability {
  readonly jvm: boolean
  readonly docker: boolean
  /** Why something is not there, in words for the person who runs the tests. */
  readonly reasons: readonly string[]
}

const javaVersionMin = 17
const probeTimeoutMs = 10_000
let probe: Promise<Availability> | undefined

export function availability(): Promise<Availability> {
  probe ??= look()
  return probe
}

async function look(): Promise<Availability> {
  const reasons: string[] = []
  const [java, maven, docker] = await Promise.all([
    run('java', ['-version'], { timeoutMs: probeTimeoutMs }),
    run('mvn', ['-v'], { timeoutMs: probeTimeoutMs }),
    dockerAnswers(),
  ])
  const release = Number(/version "(\d+)/.exec(java.stderr)?.[1] ?? 0)
  if (java.code !== 0) reasons.push('java is not installed')
  else if (release < javaVersionMin)
    reasons.push(`java is version ${release}, Kafka 4 needs ${javaVersionMin}`)
  if (maven.code !== 0) reasons.push('mvn (Maven) is not installed')
  const jvm = reasons.length === 0
  if (!docker) reasons.push('no Docker engine answers')
  return { jvm, docker, reasons }
}

/** Host networking, on which the container backend rests, exists on Linux only. */
async function dockerAnswers(): Promise<boolean> {
  if (process.platform !== 'linux') return false
  const result = await run('docker', ['info', '--format', '{{.ServerVersion}}'], {
    timeoutMs: probeTimeoutMs,
  })
  return result.code === 0
}

const images = new Map<string, Promise<boolean>>()

/** @returns whether the image is on this machine, or can be pulled */
export function hasImage(image: string): Promise<boolean> {
  let answer = images.get(image)
  if (answer === undefined) {
    answer = (async () => {
      if (!(await availability()).docker) return false
      const local = await run('docker', ['image', 'inspect', image], { timeoutMs: probeTimeoutMs })
      if (local.code === 0) return true
      const pulled = await run('docker', ['pull', '-q', image], { timeoutMs: 180_000 })
      return pulled.code === 0
    })()
    images.set(image, answer)
  }
  return answer
}

/**
 * For `describe.skipIf(!(await requireKafka()))`. Where no Kafka can be started, says so and why; with
 * `KAFKA_CUTOVER_REQUIRE_KAFKA=1`, as CI sets it, that is an error instead.
 */
export async function requireKafka(): Promise<boolean> {
  const { jvm, docker, reasons } = await availability()
  if (jvm || docker) return true
  const message = `no real Kafka can be started here: ${reasons.join('; ')}`
  if (process.env['KAFKA_CUTOVER_REQUIRE_KAFKA'] === '1') throw new Error(message)
  console.warn(`skipped: ${message}`)
  return false
}
