import { getContainerRuntimeClient } from 'testcontainers'
import { availability } from '../kafka/index.ts'

// Ryuk is an image of its own, which cannot be had everywhere; every test here removes its containers.
process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true'
process.env['TESTCONTAINERS_HOST_OVERRIDE'] ??= '127.0.0.1'

/**
 * For `describe.skipIf(!(await requireDocker()))`. Where no engine answers, says so; with
 * `KAFKA_CUTOVER_REQUIRE_DOCKER=1`, as CI sets it where it has one, that is an error instead.
 */
export async function requireDocker(): Promise<boolean> {
  if ((await availability()).docker) return true
  const message = 'no image can be built here: no Docker engine answers (on Linux)'
  if (process.env['KAFKA_CUTOVER_REQUIRE_DOCKER'] === '1') throw new Error(message)
  console.warn(`skipped: ${message}`)
  return false
}

/** The engine's own view of an image. */
export async function inspectImage(name: string) {
  const { dockerode } = (await getContainerRuntimeClient()).container
  return dockerode.getImage(name).inspect()
}

/** With what the classic builder leaves behind of its first stage. */
export async function removeImage(name: string): Promise<void> {
  const { dockerode } = (await getContainerRuntimeClient()).container
  await dockerode.getImage(name).remove({ force: true })
  await dockerode.pruneImages({
    filters: { label: ['stage=kafka-cutover-files'], dangling: ['true'] },
  })
}
