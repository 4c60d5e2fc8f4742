/** Ten wrong configurations, from the file to the exit code, in the real process. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { portAlarm, run } from './spawn.ts'

let cwd: string

beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'kafka-cutover-'))
})

afterAll(() => {
  rmSync(cwd, { recursive: true })
})

interface Case {
  readonly what: string
  readonly yaml?: string
  readonly args?: readonly string[]
  readonly lines: readonly string[]
}

const cases: readonly Case[] = [
  {
    what: 'no source at all',
    lines: [
      '--source: got nothing; allowed: at least one host:port; remedy: name the cluster that the applications use today, as --source 10.0.0.1:9092',
    ],
  },
  {
    what: 'a file that does not exist',
    args: ['--config', 'missing.yaml'],
    lines: [
      '--config: got "missing.yaml", which cannot be read (ENOENT); allowed: the path of a YAML file; remedy: check the path and that the user of the sidecar may read it',
    ],
  },
  {
    what: 'a file that is no YAML',
    yaml: 'source:\n\tbootstrapServers: a:1\n',
    lines: [
      'sidecar.yaml:2: the file: got no YAML (tab as indent); allowed: YAML 1.2; remedy: correct the line; quote texts that hold : # [ ] { }',
    ],
  },
  {
    what: 'a mistyped key and a wrong type',
    yaml: 'source:\n  bootstrap.servers: a:1\nlisten:\n  port: "9092"\n',
    lines: [
      'sidecar.yaml:1: source.bootstrapServers: got nothing; allowed: at least one host:port; remedy: name the cluster that the applications use today, as --source 10.0.0.1:9092',
      'sidecar.yaml:2: source.bootstrap.servers: got an unknown key; allowed: bootstrapServers, tls, sasl; remedy: did you mean bootstrapServers?',
      'sidecar.yaml:4: listen.port: got "9092"; allowed: 1 to 65535; remedy: write it like 9092, without quotes',
    ],
  },
  {
    what: 'a password in clear',
    yaml: 'source:\n  bootstrapServers: [a:1]\n  sasl:\n    mechanism: PLAIN\n    username: app\n    password: hunter2\n',
    lines: [
      'sidecar.yaml:6: source.sasl.password: got a string in clear (not shown); allowed: { env: NAME } or { file: PATH }; remedy: put the secret into an environment variable or a file, and name that here',
    ],
  },
  {
    what: 'a secret that is not there',
    yaml: 'source:\n  bootstrapServers: [a:1]\nadmin:\n  token: { env: NO_SUCH_TOKEN }\n',
    lines: [
      'sidecar.yaml:4: admin.token: got { env: NO_SUCH_TOKEN }, which is not set; allowed: the name of a set environment variable; remedy: set NO_SUCH_TOKEN in the environment of the sidecar',
    ],
  },
  {
    what: 'every address open, none advertised, no token',
    args: ['--source', 'a:1', '--listen', '0.0.0.0:9092', '--admin', '0.0.0.0:9600'],
    lines: [
      '--advertise: got nothing while listening on 0.0.0.0, to which no client can connect; allowed: the host by which clients reach this sidecar; remedy: set it, as --advertise 127.0.0.1 for applications on the same host',
      '--admin: got "0.0.0.0" without admin.token; allowed: a loopback address, or any address with a token; remedy: listen on 127.0.0.1, or set admin.token to { env: NAME } in the configuration file',
    ],
  },
  {
    what: 'the admin port on a virtual broker, and the target the source itself',
    args: ['--source', 'a:1,b:1', '--target', 'b:1', '--admin', '127.0.0.1:9094'],
    lines: [
      '--target: got "b:1", which is a source server too; allowed: servers of another cluster than the source; remedy: name the cluster to move to, or leave the target out',
      '--admin: got 9094, which is the port of a virtual broker; allowed: a port outside 9092 to 9094; remedy: choose another port, as --admin 127.0.0.1:9600',
    ],
  },
  {
    what: 'two topics into one, and a fence that clients would notice',
    yaml: 'source: { bootstrapServers: [a:1] }\ncutover:\n  topics:\n    - orders\n    - audit:orders\n  fenceDeadline: 30s\n',
    lines: [
      'sidecar.yaml:5: cutover.topics[1].target: got "orders", into which "orders" moves already; allowed: a target topic for each source topic; remedy: name another target, as audit:audit',
      'sidecar.yaml:6: cutover.fenceDeadline: got "30s"; allowed: 100ms to 8s; remedy: write it like 5s',
    ],
  },
  {
    what: 'a certificate that is none, and a login without users',
    yaml: 'source: { bootstrapServers: [a:1], tls: { ca: sidecar.yaml } }\nlisten:\n  sasl:\n    users: []\n',
    lines: [
      'sidecar.yaml:1: source.tls.ca: got a text without "-----BEGIN CERTIFICATE-----"; allowed: PEM; remedy: convert it with openssl, or name another file',
      'sidecar.yaml:4: listen.sasl.users: got no users; allowed: at least one user; remedy: add "- { username: app, password: { env: NAME } }", or remove listen.sasl',
    ],
  },
]

describe('run refuses', () => {
  it.concurrent.each(cases)('$what', async ({ yaml, args = [], lines }) => {
    const folder = mkdtempSync(join(cwd, 'case-'))
    if (yaml !== undefined) writeFileSync(join(folder, 'sidecar.yaml'), yaml)
    const file = yaml === undefined ? [] : ['--config', 'sidecar.yaml']
    const finished = await run(['run', ...file, ...args], { cwd: folder, preload: portAlarm })
    const count = lines.length === 1 ? 'one error' : `${lines.length} errors`
    expect(finished).toEqual({
      code: 2,
      stdout: '',
      stderr: `kafka-cutover does not start: ${count} in its configuration.\n${lines.map((line) => `${line}\n`).join('')}`,
    })
  })

  it('would have noticed an open port', async () => {
    const finished = await run(['run', '--source', '127.0.0.1:1'], { cwd, preload: portAlarm })
    expect(finished).toMatchObject({ code: 99, stderr: 'A PORT WAS OPENED\n' })
  })
})
