import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { errorsOf } from './load.ts'

const pem = (name: string): string => readFileSync(new URL(`pem/${name}`, import.meta.url), 'utf8')
const source = "source: { bootstrapServers: ['10.0.0.1:9092'] }\n"

describe('one run reports every mistake', () => {
  it('in the order of the file, each on its line', async () => {
    const yaml = `nmae: x
source:
  bootstrapServers:
    - 10.0.0.1:9092
    - 10.0.0.2
  tls: { cert: a.pem }
target:
  bootstrapServers: 10.0.0.1:9092, foo:99999
listen:
  host: 0.0.0.0
cutover:
  fenceDeadline: 9s
  topics: [a, a, { source: x, crry: true }]
`
    expect(await errorsOf({ yaml })).toEqual([
      '/etc/sidecar.yaml:1: nmae: got an unknown key; allowed: name, stateDir, source, target, listen, admin, cutover, limits, log; remedy: did you mean name?',
      '/etc/sidecar.yaml:5: source.bootstrapServers[1]: got "10.0.0.2"; allowed: host:port, port 1 to 65535; remedy: add the port: 10.0.0.2:9092',
      '/etc/sidecar.yaml:6: source.tls.key: got nothing; allowed: cert and key together, or neither; remedy: add key: { file: PATH }',
      '/etc/sidecar.yaml:6: source.tls.cert: got { file: /etc/a.pem }, which cannot be read (ENOENT); allowed: the path of a readable file; remedy: check the path and that the user of the sidecar may read it',
      '/etc/sidecar.yaml:8: target.bootstrapServers[1]: got "foo:99999"; allowed: host:port, port 1 to 65535; remedy: choose a port from 1 to 65535',
      '/etc/sidecar.yaml:8: target.bootstrapServers[0]: got "10.0.0.1:9092", which is a source server too; allowed: servers of another cluster than the source; remedy: name the cluster to move to, or leave the target out',
      '/etc/sidecar.yaml:9: listen.advertisedHost: got nothing while listening on 0.0.0.0, to which no client can connect; allowed: the host by which clients reach this sidecar; remedy: set it, as --advertise 127.0.0.1 for applications on the same host',
      '/etc/sidecar.yaml:12: cutover.fenceDeadline: got "9s"; allowed: 100ms to 8s; remedy: write it like 5s',
      '/etc/sidecar.yaml:13: cutover.topics[2].crry: got an unknown key; allowed: source, target, mode, carry; remedy: did you mean carry?',
      '/etc/sidecar.yaml:13: cutover.topics[1].source: got "a" a second time; allowed: each source topic once; remedy: remove one of them',
    ])
  })
})

describe('what cannot go together', () => {
  // YAML below the source; the error without file and line.
  const cases: readonly (readonly [string, string])[] = [
    [
      'listen: { port: 9600 }',
      'admin.port: got 9600, which is the port of the listener; allowed: a port outside 9600 to 9601; remedy: choose another port, as --admin 127.0.0.1:9600',
    ],
    [
      'admin: { port: 9093 }',
      'admin.port: got 9093, which is the port of a virtual broker; allowed: a port outside 9092 to 9093; remedy: choose another port, as --admin 127.0.0.1:9600',
    ],
    [
      'listen: { port: 65535 }',
      'listen.port: got 65535, with 1 virtual broker(s) on the ports above it; allowed: 1 to 65534; remedy: choose a lower port',
    ],
    [
      "listen: { host: '::' }",
      'listen.advertisedHost: got nothing while listening on ::, to which no client can connect; allowed: the host by which clients reach this sidecar; remedy: set it, as --advertise 127.0.0.1 for applications on the same host',
    ],
    [
      'listen: { advertisedHost: 0.0.0.0 }',
      'listen.advertisedHost: got "0.0.0.0"; allowed: the host by which clients reach this sidecar; remedy: name one address or host',
    ],
    [
      'admin: { host: 10.0.0.7 }',
      'admin.host: got "10.0.0.7" without admin.token; allowed: a loopback address, or any address with a token; remedy: listen on 127.0.0.1, or set admin.token to { env: NAME } in the configuration file',
    ],
    [
      'target: { bootstrapServers: [] }',
      'target.bootstrapServers: got nothing; allowed: at least one host:port; remedy: name the servers, or leave the whole target out for a plain pass-through',
    ],
    [
      'cutover: { journal: topic:plans }',
      'cutover.journal: got "topic:plans" without a target; allowed: topic:NAME with a target, on which the topic is kept; file:PATH without; remedy: add --target, or write file:PATH',
    ],
    [
      'cutover: { topics: [] }',
      'cutover.topics: got an empty list; allowed: at least one topic; remedy: name the topics that move, or leave the key out for every topic',
    ],
    [
      'cutover: { topics: [a, b:a] }',
      'cutover.topics[1].target: got "a", into which "a" moves already; allowed: a target topic for each source topic; remedy: name another target, as b:b',
    ],
    [
      'cutover: { topics: [{ target: a }] }',
      'cutover.topics[0].source: got nothing; allowed: a topic name; remedy: add source: NAME',
    ],
    [
      'listen: { sasl: {} }',
      'listen.sasl.users: got no users; allowed: at least one user; remedy: add "- { username: app, password: { env: NAME } }", or remove listen.sasl',
    ],
    [
      'listen: { sasl: { users: [{ username: a, password: { env: A } }, { username: a, password: { env: A } }] } }',
      'listen.sasl.users[1].username: got "a" a second time; allowed: each user once; remedy: remove one of them',
    ],
    [
      'listen: { sasl: { users: [{ username: a }] } }',
      'listen.sasl.users[0].password: got nothing; allowed: username and password for each user; remedy: add password',
    ],
    [
      'target: { bootstrapServers: [b:1], sasl: { mechanism: PLAIN, username: a } }',
      'target.sasl.password: got nothing; allowed: mechanism, username and password together; remedy: add password: { env: NAME }',
    ],
    [
      'target: { bootstrapServers: [b:1], tls: { serverName: 10.0.0.1 } }',
      'target.tls.serverName: got "10.0.0.1"; allowed: a host name (RFC 6066 knows no addresses here); remedy: write the name in the certificate, or leave the key out',
    ],
    [
      'limits: { bufferedBytes: 1MiB }',
      'limits.rewrittenResponseBytes: got 100MiB, more than limits.bufferedBytes; allowed: up to 1MiB; remedy: raise limits.bufferedBytes, or lower this',
    ],
    [
      "target: { bootstrapServers: ['127.0.0.1:9092'] }",
      'target.bootstrapServers[0]: got "127.0.0.1:9092", on which the sidecar itself listens; allowed: a server of the cluster; remedy: listen on another port, as --listen 127.0.0.1:19092',
    ],
  ]

  it.each(cases)('%s', async (yaml, expected) => {
    const errors = await errorsOf({ yaml: source + yaml, env: { A: 'x' } })
    expect(errors.map((error) => error.replace(/^\S+:[12]: /, ''))).toEqual([expected])
  })

  it('but ports that meet on different hosts may', async () => {
    const yaml = `${source}listen: { host: 10.0.0.8, port: 9600 }\n`
    expect(await errorsOf({ yaml })).toEqual([])
  })

  it('and an exposed admin port with a token', async () => {
    const yaml = `${source}admin: { host: 0.0.0.0, token: { env: T } }\n`
    expect(await errorsOf({ yaml, env: { T: 't' } })).toEqual([])
  })

  it('counts the brokers that are named', async () => {
    const yaml = "source: { bootstrapServers: 'a:1,b:1,c:1' }\nlisten: { port: 9597 }\n"
    expect(await errorsOf({ yaml })).toHaveLength(1)
    expect(await errorsOf({ yaml: yaml.replace('9597', '9596') })).toEqual([])
  })
})

describe('a fault in a flag', () => {
  it('has the name of the flag', async () => {
    const flags = {
      source: '10.0.0.1,ok:1',
      target: 'x:0',
      listen: '9092',
      advertise: 'a:1',
      admin: '::1:9600',
      mode: 'orderd',
      topics: 'a b',
      journal: 'postgres:x',
      name: 'a/b',
      logLevel: 'warning',
    }
    expect(await errorsOf({ flags })).toEqual([
      '--listen: got "9092"; allowed: host:port, port 1 to 65535; remedy: write it as host:port; IPv6 in brackets',
      '--admin: got "::1:9600"; allowed: host:port, port 1 to 65535; remedy: write [::1:9600]:9092',
      '--name: got "a/b"; allowed: 1 to 249 of a-z A-Z 0-9 . _ -; remedy: choose another name for this sidecar',
      '--source: got "10.0.0.1"; allowed: host:port, port 1 to 65535; remedy: add the port: 10.0.0.1:9092',
      '--target: got "x:0"; allowed: host:port, port 1 to 65535; remedy: choose a port from 1 to 65535',
      '--advertise: got "a:1"; allowed: an IP address or a host name; remedy: write the host alone, without port or scheme',
      '--mode: got "orderd"; allowed: ordered, unordered; remedy: did you mean ordered?',
      '--topics: got "a b"; allowed: a topic name: 1 to 249 of a-z A-Z 0-9 . _ -; remedy: write the name as `kafka-topics --list` shows it',
      '--journal: got "postgres:x"; allowed: file:PATH or topic:NAME; remedy: write file:PATH for one sidecar, topic:NAME for more',
      '--log-level: got "warning"; allowed: fatal, error, warn, info, debug, trace, silent; remedy: did you mean warn?',
    ])
  })

  it('and so has what is missing, where there is no file', async () => {
    expect(await errorsOf({ flags: {} })).toEqual([
      '--source: got nothing; allowed: at least one host:port; remedy: name the cluster that the applications use today, as --source 10.0.0.1:9092',
    ])
    expect(await errorsOf({ flags: { source: 'a:1', listen: '0.0.0.0:9092' } })).toEqual([
      expect.stringMatching(/^--advertise: got nothing while listening on 0\.0\.0\.0/),
    ])
  })

  it('and keeps it beside a file', async () => {
    const errors = await errorsOf({ yaml: source, flags: { admin: '10.0.0.7:9600' } })
    expect(errors).toEqual([
      expect.stringMatching(/^--admin: got "10\.0\.0\.7" without admin\.token/),
    ])
  })

  it('names the schemes that people copy along', async () => {
    expect(await errorsOf({ flags: { source: 'SASL_SSL://kafka:9092' } })).toEqual([
      '--source: got "SASL_SSL://kafka:9092"; allowed: host:port, port 1 to 65535; remedy: leave the scheme out; TLS and SASL have keys of their own',
    ])
  })
})

describe('the file itself', () => {
  it('is not there', async () => {
    const { loadConfig } = await import('../../src/config/index.ts')
    const readFile = (): string => {
      throw Object.assign(new Error(), { code: 'EACCES' })
    }
    const loaded = await loadConfig({ file: 'no.yaml', flags: {}, env: {}, readFile })
    expect(loaded).toMatchObject({
      ok: false,
      errors: [
        {
          text: '--config: got "no.yaml", which cannot be read (EACCES); allowed: the path of a YAML file; remedy: check the path and that the user of the sidecar may read it',
        },
      ],
    })
  })

  it.each([
    ['a: [', 1, 'no YAML (bad indent)'],
    ['a: b: c', 1, 'no YAML (block as implicit key)'],
    ['source: 1\nsource: 2', 2, 'a key twice'],
    ['a: 1\nb: *c', 2, 'an alias (*) without its anchor (&)'],
    ['---\na: 1\n---\nb: 2', 3, 'no YAML (multiple docs)'],
  ])('is no YAML: %j', async (yaml, line, what) => {
    const [error] = await errorsOf({ yaml })
    expect(error).toBe(
      `/etc/sidecar.yaml:${line}: the file: got ${what}; allowed: YAML 1.2; remedy: correct the line; quote texts that hold : # [ ] { }`,
    )
  })

  it.each(['', '# nothing', 'null', '[]', 'hello', '42'])('%j holds no mapping', async (yaml) => {
    const errors = await errorsOf({ yaml })
    expect(errors.length).toBeGreaterThan(0)
    expect(errors.join('\n')).toContain('source')
  })

  it('may not expand without bound', async () => {
    const levels = Array.from({ length: 12 }, (_, i) => {
      const before = i === 0 ? 'x' : `*l${i - 1}`
      return `l${i}: &l${i} [${Array.from({ length: 10 }, () => before).join(', ')}]`
    })
    const [error] = await errorsOf({ yaml: levels.join('\n') })
    expect(error).toMatch(/^\/etc\/sidecar\.yaml:1: the file: got too many aliases/)
  })

  it('cannot reach the prototype', async () => {
    const errors = await errorsOf({ yaml: `${source}__proto__: { polluted: true }\n` })
    expect(errors).toHaveLength(1)
    expect(errors[0]).toContain('__proto__: got an unknown key')
    expect('polluted' in {}).toBe(false)
  })
})

describe('secrets', () => {
  const secret = 'hunter2-hunter2'

  it.each([
    `${source}admin: { token: ${secret} }`,
    `${source}admin: { token: 4711471147114711 }`,
    `${source}admin: { token: [${secret}] }`,
    `${source}admin: { token: { value: ${secret} } }`,
    `${source}admin: { token: { env: ${'{'} a: ${secret} } } }`,
    `${source}admin: ${secret}`,
    `source: { bootstrapServers: ['a:1'], sasl: 'PLAIN app ${secret}' }`,
    `source: { bootstrapServers: ['a:1'], sasl: { mechanism: PLAIN, username: a, password: ${secret} } }`,
    `source: { bootstrapServers: ['a:1'], tls: { passphrase: ${secret} } }`,
    `source: { bootstrapServers: ['a:1'], tls: ${secret} }`,
    `source: { bootstrapServers: ['SASL://app:${secret}@a:1'] }`,
    `${source}listen: { sasl: { users: [{ username: a, password: ${secret} }] } }`,
    `${source}listen: { sasl: { users: { a: ${secret} } } }`,
    `${source}listen: { sasl: ${secret} }`,
    `source: { bootstrapServers: ['a:1'], tls: { key: "-----BEGIN PRIVATE KEY----- ${secret}" } }`,
    `password: [${secret}`,
    `password: *${secret}`,
    `${secret}`,
    `- ${secret}`,
  ])('in clear are refused and not repeated: %s', async (yaml) => {
    const errors = await errorsOf({ yaml })
    expect(errors.length).toBeGreaterThan(0)
    expect(errors.join('\n')).not.toMatch(/hunter2|4711/)
  })

  it('that cannot be fetched are named by their place', async () => {
    const yaml = `${source}listen:
  sasl:
    users:
      - { username: a, password: { env: UNSET } }
      - { username: b, password: { env: EMPTY } }
      - { username: c, password: { file: gone } }
      - { username: d, password: { file: /run/empty } }
`
    expect(await errorsOf({ yaml, env: { EMPTY: '' }, files: { '/run/empty': '\n' } })).toEqual([
      '/etc/sidecar.yaml:5: listen.sasl.users[0].password: got { env: UNSET }, which is not set; allowed: the name of a set environment variable; remedy: set UNSET in the environment of the sidecar',
      '/etc/sidecar.yaml:6: listen.sasl.users[1].password: got { env: EMPTY }, which is empty; allowed: the name of a set environment variable; remedy: set EMPTY in the environment of the sidecar',
      '/etc/sidecar.yaml:7: listen.sasl.users[2].password: got { file: /etc/gone }, which cannot be read (ENOENT); allowed: the path of a readable file; remedy: check the path and that the user of the sidecar may read it',
      '/etc/sidecar.yaml:8: listen.sasl.users[3].password: got { file: /run/empty }, which is empty; allowed: the path of a readable file; remedy: check the path and that the user of the sidecar may read it',
    ])
  })
})

describe('TLS files', () => {
  const files = {
    '/etc/server.pem': pem('server.pem'),
    '/etc/server.key': pem('server.key'),
    '/etc/encrypted.key': pem('encrypted.key'),
    '/etc/other.key': pem('other.key'),
    '/etc/text': 'not a certificate',
    '/etc/bad.pem': pem('server.pem') + pem('server.pem').replace('MII', 'AAA'),
    '/etc/torn.pem': pem('server.pem').slice(0, 200),
  }
  const errors = (tls: string) =>
    errorsOf({
      yaml: `source: { bootstrapServers: ['a:1'], tls: ${tls} }`,
      env: { PASS: 'fixture', WRONG: 'wrong', CA: pem('server.pem') },
      files,
    })

  it.each([
    '{ ca: server.pem }',
    '{ ca: { env: CA } }',
    '{ cert: server.pem, key: server.key }',
    '{ cert: { file: server.pem }, key: { file: /etc/server.key }, ca: server.pem }',
    '{ cert: server.pem, key: encrypted.key, passphrase: { env: PASS } }',
  ])('that fit are taken: %s', async (tls) => {
    expect(await errors(tls)).toEqual([])
  })

  it.each([
    ['{ ca: text }', 'ca: got a text without "-----BEGIN CERTIFICATE-----"; allowed: PEM'],
    ['{ ca: torn.pem }', 'ca: got a text that OpenSSL refuses (no END CERTIFICATE)'],
    ['{ ca: bad.pem }', 'ca: got a text that OpenSSL refuses (ERR_OSSL_'],
    ['{ cert: server.pem, key: text }', 'key: got a text without "-----BEGIN PRIVATE KEY-----"'],
    ['{ cert: server.key, key: server.key }', 'cert: got a text without "-----BEGIN CERTIFICATE'],
    ['{ cert: server.pem, key: other.key }', 'key: got a text that OpenSSL refuses (ERR_OSSL_X509'],
    ['{ cert: server.pem, key: encrypted.key }', 'key: got a text that OpenSSL refuses (ERR_'],
    [
      '{ cert: server.pem, key: encrypted.key, passphrase: { env: WRONG } }',
      'key: got a text that OpenSSL refuses (ERR_OSSL_',
    ],
  ])('that do not are refused: %s', async (tls, expected) => {
    const lines = await errors(tls)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain(`/etc/sidecar.yaml:1: source.tls.${expected}`)
  })
})
