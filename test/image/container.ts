import { text } from 'node:stream/consumers'
import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers'
import { freePortRow, freePorts } from '../kafka/index.ts'

/** With what Kubernetes' "restricted" profile and a careful operator take away. */
class Hardened extends GenericContainer {
  constructor(image: string) {
    super(image)
    this.hostConfig.ReadonlyRootfs = true
    this.withDroppedCapabilities('ALL')
      .withSecurityOpt('no-new-privileges')
      .withResourcesQuota({ memory: 0.25, cpu: 1 })
      .withNetworkMode('host')
  }
}

export interface Ran {
  readonly exitCode: number
  readonly log: string
}

/** A sidecar in a container, on the ports of this host's loopback. */
export interface ContainedSidecar {
  /** Where applications bootstrap; virtual broker i is on this port + i. */
  readonly port: number
  readonly admin: string
  /** Runs JavaScript beside the sidecar, as its user. @returns what it prints */
  evaluate(script: string): Promise<string>
  memoryBytes(): Promise<number>
  /** `docker stop`: SIGTERM, and SIGKILL after the grace time. */
  stop(graceSeconds: number): Promise<Ran>
  remove(): Promise<void>
}

export async function startContainer(image: string, source: string): Promise<ContainedSidecar> {
  const port = await freePortRow(4)
  const [adminPort = 0] = await freePorts(1)
  const container = await new Hardened(image)
    .withCommand([
      ...['run', '--source', source],
      ...['--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${adminPort}`],
    ])
    .withWaitStrategy(Wait.forLogMessage('the sidecar listens for applications'))
    .start()
  const engine = await getContainerRuntimeClient()
  const raw = engine.container.getById(container.getId())
  return {
    port,
    admin: `http://127.0.0.1:${adminPort}`,
    async evaluate(script) {
      const { output, exitCode } = await container.exec(['node', '-e', script])
      if (exitCode !== 0) throw new Error(`exit code ${exitCode}: ${output}`)
      return output.trim()
    },
    async memoryBytes() {
      return (await raw.stats({ stream: false })).memory_stats.usage
    },
    async stop(graceSeconds) {
      const log = text(await container.logs())
      await raw.stop({ t: graceSeconds })
      return { exitCode: (await raw.inspect()).State.ExitCode, log: await log }
    },
    async remove() {
      await container.stop({ timeout: 0 })
    },
  }
}

/** Runs the image to its end. */
export async function runContainer(image: string, command: readonly string[]): Promise<Ran> {
  const { dockerode } = (await getContainerRuntimeClient()).container
  const container = await dockerode.createContainer({
    Image: image,
    ...(command.length === 0 ? {} : { Cmd: [...command] }),
    HostConfig: { ReadonlyRootfs: true },
    Tty: false,
  })
  try {
    await container.start()
    await container.wait()
    const { ExitCode } = (await container.inspect()).State
    const log = await container.logs({ stdout: true, stderr: true })
    return { exitCode: ExitCode, log: log.toString('utf8') }
  } finally {
    await container.remove({ force: true, v: true })
  }
}
