import { once } from 'node:events'
import * as net from 'node:net'
import * as tls from 'node:tls'
import { afterEach, describe, expect, test } from 'vitest'
import { CutoverError } from '../../src/errors.ts'
import {
  explainTls,
  listenerTlsOptions,
  upstreamTlsOptions,
  type ClusterTls,
  type ListenerTls,
} from '../../src/security/index.ts'
import { certificate, encryptedKey, type Certificate } from './certificates.ts'

const ca = certificate({ name: 'test authority', authority: true })
const broker = certificate({ name: 'broker.test', issuer: ca })
const client = certificate({ name: 'client.test', issuer: ca })
const stranger = certificate({ name: 'broker.test' })
const listener = (of: Certificate, more: Partial<ListenerTls> = {}): ListenerTls => ({
  cert: of.cert,
  key: of.key,
  ...more,
})

const open: { close(): unknown }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

async function listening<S extends net.Server>(server: S): Promise<number> {
  open.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** A TLS server that greets; what it refuses is put into `refused`. */
async function greeter(options: tls.TlsOptions) {
  const refused: string[] = []
  const server = tls.createServer(options, (socket) => {
    socket.on('error', () => undefined)
    socket.end('hello')
  })
  server.on('tlsClientError', (err, socket) => refused.push(explainTls(err, socket)))
  return { port: await listening(server), refused }
}

/** What a client is told by the server at the port: its greeting, or why there is none. */
async function dial(options: tls.ConnectionOptions): Promise<string> {
  const socket = tls.connect(options)
  open.push({ close: () => socket.destroy() })
  return new Promise((resolve) => {
    socket.on('data', (data: Buffer) => resolve(`${socket.getProtocol()} ${data.toString()}`))
    socket.on('error', (err) => resolve(explainTls(err)))
    socket.on('close', () => resolve('closed'))
  })
}

const toBroker = (config: ClusterTls, port: number, host = '127.0.0.1') =>
  dial(upstreamTlsOptions(config, { host, port }))
const trusting: ClusterTls = { ca: ca.cert, serverName: 'broker.test' }

describe('upstream', () => {
  test('trusts what the authority has signed, for the name that was given', async () => {
    const { port } = await greeter(listenerTlsOptions(listener(broker)))
    expect(await toBroker(trusting, port)).toBe('TLSv1.3 hello')
  })

  test('verifies an IP address where no name is given', async () => {
    const byAddress = certificate({ name: '127.0.0.1', issuer: ca })
    const right = await greeter(listenerTlsOptions(listener(byAddress)))
    expect(await toBroker({ ca: ca.cert }, right.port)).toBe('TLSv1.3 hello')
    const wrong = await greeter(listenerTlsOptions(listener(broker)))
    expect(await toBroker({ ca: ca.cert }, wrong.port)).toMatch(
      /is for another name: set tls\.serverName .*127\.0\.0\.1 is not in the cert's list.*\[ERR_TLS_CERT_ALTNAME_INVALID\]$/,
    )
  })

  test('trusts a self-signed certificate that is given as ca', async () => {
    const { port } = await greeter(listenerTlsOptions(listener(stranger)))
    expect(await toBroker({ ca: stranger.cert, serverName: 'broker.test' }, port)).toMatch(/hello/)
  })

  test('sends a name, and never an address, as SNI', async () => {
    const names: string[] = []
    const { port } = await greeter({
      ...listenerTlsOptions(listener(broker)),
      SNICallback: (name, answer) => {
        names.push(name)
        answer(null)
      },
    })
    await toBroker(trusting, port)
    await toBroker({ ca: ca.cert }, port)
    await toBroker({ ...trusting, serverName: '10.0.0.1' }, port)
    await toBroker({ ca: ca.cert }, port, 'localhost')
    expect(names).toEqual(['broker.test', 'localhost'])
  })

  test('shows its certificate where one is required', async () => {
    const { port, refused } = await greeter(listenerTlsOptions(listener(broker, { ca: ca.cert })))
    const shown = { ...trusting, cert: client.cert, key: client.key }
    expect(await toBroker(shown, port)).toBe('TLSv1.3 hello')
    const locked = { ...shown, key: encryptedKey(client, 'open'), passphrase: 'open' }
    expect(await toBroker(locked, port)).toBe('TLSv1.3 hello')
    expect(await toBroker(trusting, port)).toMatch(/^TLS failed: a client certificate is required/)
    // TLS 1.3 lets the client believe that it is in until it reads.
    const other = { ...trusting, cert: stranger.cert, key: stranger.key }
    expect(await toBroker(other, port)).toMatch(/^closed|closed the connection/)
    expect(refused).toEqual([
      expect.stringMatching(/a client certificate is required and none was shown/),
      expect.stringMatching(/self-signed and not trusted.*\[DEPTH_ZERO_SELF_SIGNED_CERT\]/),
    ])
  })

  test('makes one context per configuration', () => {
    const one = upstreamTlsOptions(trusting, { host: 'a', port: 1 })
    const two = upstreamTlsOptions(trusting, { host: 'b', port: 2 })
    expect(one.secureContext).toBe(two.secureContext)
    const other = upstreamTlsOptions({ ...trusting }, { host: 'a', port: 1 })
    expect(other.secureContext).not.toBe(one.secureContext)
  })

  test('verifies even where the environment says not to', async () => {
    const { port } = await greeter(listenerTlsOptions(listener(stranger)))
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    try {
      expect(await toBroker(trusting, port)).toMatch(/self-signed and not trusted/)
    } finally {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    }
  })
})

describe('a listener', () => {
  test('verifies the clients of sockets that were accepted elsewhere', async () => {
    const server = tls.createServer(listenerTlsOptions(listener(broker, { ca: ca.cert })))
    const refused: string[] = []
    server.on('tlsClientError', (err, socket) => refused.push(explainTls(err, socket)))
    server.on('secureConnection', (socket) => socket.end('hello'))
    const port = await listening(
      net.createServer((socket) => void server.emit('connection', socket)),
    )
    const shown = { ...trusting, cert: client.cert, key: client.key }
    expect(await toBroker(shown, port)).toBe('TLSv1.3 hello')
    const other = { ...trusting, cert: stranger.cert, key: stranger.key }
    expect(await toBroker(other, port)).toMatch(/^closed|closed the connection/)
    expect(refused).toEqual([expect.stringMatching(/DEPTH_ZERO_SELF_SIGNED_CERT/)])
  })

  test.each([
    ['TLSv1.2', /^TLSv1.2 hello$/],
    ['TLSv1.1', /no version of TLS in common/],
  ] as const)('speaks %s as it should', async (version, answer) => {
    const { port, refused } = await greeter(listenerTlsOptions(listener(broker)))
    const old = { host: '127.0.0.1', port, ca: ca.cert, servername: 'broker.test' }
    const ciphers = 'DEFAULT:@SECLEVEL=0'
    const range = { minVersion: 'TLSv1', maxVersion: version } as const
    expect(await dial({ ...old, ...range, ciphers })).toMatch(answer)
    if (version === 'TLSv1.1') expect(refused).toEqual([expect.stringMatching(answer)])
  })
})

describe('failures are explained', () => {
  test.each([
    ['self-signed', stranger, /self-signed and not trusted: give it as tls\.ca.*\[DEPTH_ZERO/],
    [
      'from an unknown authority',
      certificate({
        name: 'broker.test',
        issuer: certificate({ name: 'other authority', authority: true }),
      }),
      /authority that signed the peer's certificate is not known here.*tls\.ca/,
    ],
    [
      'expired',
      certificate({ name: 'broker.test', issuer: ca, notAfter: new Date(Date.now() - 1000) }),
      /has expired: renew it.*\[CERT_HAS_EXPIRED\]/,
    ],
    [
      'not valid yet',
      certificate({ name: 'broker.test', issuer: ca, notBefore: new Date(Date.now() + 3600_000) }),
      /not valid yet: check this machine's clock.*\[CERT_NOT_YET_VALID\]/,
    ],
    [
      'for another name',
      certificate({ name: 'elsewhere.test', issuer: ca }),
      /for another name: set tls\.serverName.*DNS:elsewhere\.test/,
    ],
  ])('a certificate that is %s', async (_, shown, sentence) => {
    const { port } = await greeter(listenerTlsOptions(listener(shown)))
    expect(await toBroker(trusting, port)).toMatch(sentence)
  })

  test.each([
    ['answers HTTP', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['answers Kafka', Buffer.from('0000000a7ffffff800000000', 'hex')],
  ])('a plaintext port that %s', async (_, bytes) => {
    const port = await listening(net.createServer((socket) => socket.end(bytes)))
    expect(await toBroker(trusting, port)).toMatch(/does not speak TLS on this port: use its TLS/)
  })

  test('a plaintext port that hangs up, as Kafka does', async () => {
    const server = net.createServer((socket) => socket.once('data', () => socket.destroy()))
    expect(await toBroker(trusting, await listening(server))).toMatch(
      /closed the connection during the handshake: most often this is a plaintext Kafka port/,
    )
  })

  test.each([
    [
      'Kafka',
      Buffer.from('0000000a001200007ffffff80000', 'hex'),
      /does not speak TLS on this port/,
    ],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), /speaks plain HTTP to a TLS port/],
  ])('a client that speaks plain %s to a TLS port', async (_, bytes, sentence) => {
    const { port, refused } = await greeter(listenerTlsOptions(listener(broker)))
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.on('error', () => undefined)
    socket.resume()
    await once(socket, 'close')
    expect(refused).toEqual([expect.stringMatching(sentence)])
  })

  test.each([
    [new Error('odd'), 'TLS failed: odd'],
    [Object.assign(new Error('odd'), { code: 'E_ODD' }), 'TLS failed: odd [E_ODD]'],
    ['text', 'TLS failed: text'],
    [undefined, 'TLS failed: undefined'],
  ])('what is not known is passed on: %#', (err, sentence) => {
    expect(explainTls(err)).toBe(sentence)
  })
})

describe('PEMs that cannot be used are refused before the first connection', () => {
  const { cert, key } = client
  test.each<[string, ClusterTls, RegExp]>([
    ['a key without a certificate', { key }, /^tls\.key is given without tls\.cert/],
    ['a certificate without a key', { cert }, /^tls\.cert is given without tls\.key/],
    ['a path instead of a PEM', { ca: '/etc/ca.pem' }, /^tls\.ca holds no PEM certificate/],
    [
      'a damaged authority',
      { ca: ca.cert + ca.cert.split('\n').toSpliced(3, 2).join('\n') },
      /^certificate 2 of 2 in tls\.ca is damaged: give complete PEM text/,
    ],
    ['a damaged certificate', { cert: 'rubbish', key }, /a certificate or key cannot be read/],
    ['a damaged key', { cert, key: 'rubbish' }, /a certificate or key cannot be read/],
    [
      'the key of another',
      { cert, key: broker.key },
      /tls\.key is not the private key of tls\.cert/,
    ],
    [
      'a locked key',
      { cert, key: encryptedKey(client, 'open') },
      /is encrypted and tls\.passphrase does not open it/,
    ],
    [
      'a key and a wrong passphrase',
      { cert, key: encryptedKey(client, 'open'), passphrase: 'sesame' },
      /is encrypted and tls\.passphrase does not open it/,
    ],
  ])('%s', (_, config, message) => {
    const options = () => upstreamTlsOptions(config, { host: 'h', port: 1 })
    expect(options).toThrow(CutoverError)
    expect(options).toThrow(message)
    expect(options).not.toThrow(/sesame|PRIVATE/)
  })

  test('also for the listener', () => {
    const options = () => listenerTlsOptions(listener(broker, { key: client.key }))
    expect(options).toThrow(/tls\.key is not the private key of tls\.cert/)
  })
})
