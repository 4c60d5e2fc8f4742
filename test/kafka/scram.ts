import type { RunResult } from './processes.ts'

/**
 * Stores the passwords of SCRAM users: through a broker's plaintext listener with KRaft, in ZooKeeper
 * before it, where `kafka-configs` of 1.1 knows no other way.
 */
export async function createScramUsers(
  tool: (className: string, args: readonly string[]) => Promise<RunResult>,
  users: Readonly<Record<string, string>>,
  bootstrapServers: string,
  zooKeeper: string | undefined,
): Promise<void> {
  const where =
    zooKeeper === undefined ? ['--bootstrap-server', bootstrapServers] : ['--zookeeper', zooKeeper]
  for (const [name, secret] of Object.entries(users)) {
    const credentials = ['SCRAM-SHA-256', 'SCRAM-SHA-512']
      .map((mechanism) => `${mechanism}=[password=${secret}]`)
      .join(',')
    const result = await tool('kafka.admin.ConfigCommand', [
      ...where,
      ...['--alter', '--entity-type', 'users', '--entity-name', name, '--add-config', credentials],
    ])
    if (result.code !== 0) throw new Error(`SCRAM user ${name}: ${result.stdout}${result.stderr}`)
  }
}
