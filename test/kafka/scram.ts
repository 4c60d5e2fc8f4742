import type { RunResult } from './processes.ts'

/**
 * Stores the passwords of SCRAM users: through a broker's plaintext listener with KRaft, in ZooKeeper
 * before it, where `kafka-configs` of 1.1 knows no other way.
 */
export async function createScramUsers(
  tool: (className: string, args: readonly string[]) => Promise<RunResult>,
  mechanisms: readonly string[],
  users: Readonly<Record<string, string>>,
  bootstrapServers: string,
  zooKeeper: string | undefined,
): Promise<void> {
  const where =
    zooKeeper === undefined ? ['--bootstrap-server', bootstrapServers] : ['--zookeeper', zooKeeper]
  for (const [name, secret] of Object.entries(users)) {
    // One at a time: a controller of KRaft refuses two for one user in the same request.
    for (const mechanism of mechanisms) {
      const result = await tool('kafka.admin.ConfigCommand', [
        ...where,
        ...['--alter', '--entity-type', 'users', '--entity-name', name],
        ...['--add-config', `${mechanism}=[password=${secret}]`],
      ])
      if (result.code !== 0) throw new Error(`SCRAM user ${name}: ${result.stdout}${result.stderr}`)
    }
  }
}
