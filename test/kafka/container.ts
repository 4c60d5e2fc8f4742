import {
  GenericContainer,
  getContainerRuntimeClient,
  type StartedTestContainer,
} from 'testcontainers'
import { hasImage } from './availability.ts'
import { atLeast } from './jars.ts'
import type { ServerProcess } from './jvm.ts'
import { asEnvironment, type Properties } from './properties.ts'

const imageOf = (version: string) => `apache/kafka:${version}`

/** Images exist from 3.7 on. They are used where they can be had; certificates stay with the JVM. */
export async function canUseContainers(version: string): Promise<boolean> {
  return atLeast(version, '3.7') && (await hasImage(imageOf(version)))
}

/**
 * A broker in a container on the host's network: its addresses are then those of a broker in a JVM of
 * ours, and everything else is the same. The image formats the storage and reads its properties from
 * the environment.
 */
export function containerBroker(
  version: string,
  properties: Properties,
  clusterId: string,
): ServerProcess {
  let container: StartedTestContainer | undefined
  const raw = async () => {
    const runtime = await getContainerRuntimeClient()
    return container === undefined ? undefined : runtime.container.getById(container.getId())
  }
  return {
    async launch() {
      if (container === undefined) {
        container = await new GenericContainer(imageOf(version))
          .withNetworkMode('host')
          .withEnvironment({
            ...asEnvironment({ ...properties, 'log.dirs': '/tmp/kafka-data' }),
            CLUSTER_ID: clusterId,
            KAFKA_HEAP_OPTS: '-Xmx384m',
          })
          .start()
      } else {
        await (await raw())?.start()
      }
    },
    async isRunning() {
      const inspected = await (await raw())?.inspect()
      return inspected?.State.Running === true
    },
    async end(signal) {
      const handle = await raw()
      if (handle === undefined || !(await handle.inspect()).State.Running) return
      if (signal === 'SIGKILL') await handle.kill({ signal })
      else await handle.stop({ t: 30 })
      await handle.wait()
    },
    async dispose() {
      await container?.stop({ timeout: 0 })
      container = undefined
    },
    async logTail() {
      const log = await (await raw())?.logs({ stdout: true, stderr: true, tail: 40 })
      return log?.toString('utf8') ?? ''
    },
  }
}
