import * as crypto from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { CutoverError } from '../../src/errors.ts'
import {
  localUsers,
  parsePlain,
  refusalText,
  saslClient,
  saslMechanisms,
  saslServer,
  type Credentials,
  type LocalUsers,
  type SaslMechanism,
} from '../../src/security/index.ts'
import { deriveKeys } from '../../src/security/scram.ts'
import { goldenExchanges } from './golden.ts'

vi.mock('node:crypto', async (original) => {
  const actual = await original<typeof crypto>()
  return { ...actual, pbkdf2: vi.fn(actual.pbkdf2), createHmac: vi.fn(actual.createHmac) }
})

/** A whole login of our client at our server; the user's name as the server proved it. */
async function login(mechanism: SaslMechanism, users: LocalUsers, credentials: Credentials) {
  const client = saslClient(mechanism, credentials)
  const server = saslServer(mechanism, users)
  let token = client.first()
  for (;;) {
    const answer = server.next(token)
    const step = await client.next(answer.token)
    if (answer.kind === 'done') {
      expect(step).toEqual({ kind: 'done' })
      return answer.username
    }
    if (step.kind !== 'send') throw new Error('the client is done before the server')
    token = step.token
  }
}

function refusal(act: () => unknown): string {
  try {
    act()
  } catch (err) {
    if (!(err instanceof CutoverError)) throw err
    expect(err.kind).toBe('auth_downstream')
    return err.message
  }
  throw new Error('it was not refused')
}

const alice = { username: 'alice', password: 'alice-secret' }
let users: LocalUsers
beforeAll(async () => {
  users = await localUsers([alice, { username: 'bob', password: 'bob-secret' }])
})

describe('golden exchanges, from the other side', () => {
  test.each(goldenExchanges)('$name', async (golden) => {
    const salt = Buffer.from(golden.salt, 'base64')
    const { password, iterations, mechanism } = golden
    const keys = await deriveKeys(mechanism, password, salt, iterations)
    const verifier = { known: true, salt, iterations, ...keys }
    const server = saslServer(
      mechanism,
      { mechanisms: [mechanism], verifyPlain: () => false, scramVerifier: () => verifier },
      golden.serverNonce,
    )
    const first = server.next(Buffer.from(golden.clientFirst))
    expect([first.kind, first.token.toString()]).toEqual(['send', golden.serverFirst])
    const final = server.next(Buffer.from(golden.clientFinal))
    expect(final).toEqual({
      kind: 'done',
      token: Buffer.from(golden.serverFinal),
      username: golden.username,
    })
  })
})

describe.each(saslMechanisms)('%s', (mechanism) => {
  test('lets in whoever knows the password, whatever the two are made of', async () => {
    const text = fc
      .string({
        unit: fc.constantFrom(...'aZ09,=\\" ÿßªⅨ€語😀\u0301\u00ad\ufeff\n\x7f'),
        minLength: 1,
      })
      .filter((s) => s !== '')
    await fc.assert(
      fc.asyncProperty(text, text, text, async (username, password, other) => {
        const local = await localUsers([{ username, password }], [mechanism])
        expect(await login(mechanism, local, { username, password })).toBe(username)
        if (other !== password)
          await expect(login(mechanism, local, { username, password: other })).rejects.toThrow(
            /or not its password$/,
          )
        if (other !== username)
          await expect(login(mechanism, local, { username: other, password })).rejects.toThrow(
            /or not its password$/,
          )
      }),
      { numRuns: 40 },
    )
  })

  test('survives any bytes with an error for the world', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        refusal(() => {
          const server = saslServer(mechanism, users)
          server.next(Buffer.from(bytes))
          server.next(Buffer.from(bytes))
        })
      }),
      { numRuns: 500 },
    )
  })

  test('ends with its end', () => {
    const server = saslServer(mechanism, users)
    refusal(() => server.next(Buffer.from('?')))
    const message = refusal(() => server.next(Buffer.from('\0alice\0alice-secret')))
    expect(message).toBe(`${mechanism}: a token after the end of the login`)
  })

  test('refuses as a broker does', () => {
    expect(refusalText(mechanism)).toMatch(
      /^Authentication failed .*invalid credentials.* with SASL/,
    )
    expect(refusalText(mechanism).endsWith(mechanism)).toBe(true)
  })
})

describe('PLAIN', () => {
  const parse = (token: string | Buffer) => parsePlain(Buffer.from(token))

  test('is taken apart', () => {
    expect(parse('\ufeff\0u\0p').authzid).toBe('\ufeff')
    expect(parse('\0u\0p=,')).toEqual({ authzid: '', username: 'u', password: 'p=,' })
    expect(parse('z\0u\0\ufeffp')).toEqual({ authzid: 'z', username: 'u', password: '\ufeffp' })
  })

  test.each([
    ['', 'PLAIN: the token has 1 parts instead of 3 (authzid, username, password)'],
    ['u\0p', 'PLAIN: the token has 2 parts instead of 3 (authzid, username, password)'],
    ['\0u\0p\0', 'PLAIN: the token has 4 parts instead of 3 (authzid, username, password)'],
    ['\0\0p', 'PLAIN: the username is empty'],
    ['\0u\0', 'PLAIN: the password is empty'],
    [Buffer.from([0, 0x75, 0, 0xff]), 'PLAIN: the token is not UTF-8'],
    [Buffer.alloc(16385, 'x'), 'PLAIN: a token of 16385 bytes, allowed are 16384'],
    [`\0u\0${'p'.repeat(7169)}`, 'PLAIN: the password has 7169 bytes, allowed are 7168'],
  ])('is refused if malformed: %#', (token, message) => {
    expect(refusal(() => parse(token))).toBe(message)
  })

  test('does not let one user act as another', () => {
    const next = (token: string) => saslServer('PLAIN', users).next(Buffer.from(token))
    expect(next('alice\0alice\0alice-secret').kind).toBe('done')
    expect(refusal(() => next('bob\0alice\0alice-secret'))).toBe(
      'PLAIN: "alice" may not act as "bob"; leave it empty',
    )
  })
})

describe('SCRAM', () => {
  const mechanism = 'SCRAM-SHA-256'
  const first = (text: string, local = users) =>
    saslServer(mechanism, local, 'server').next(Buffer.from(text)).token.toString()

  test.each([
    ['channel binding', 'p=tls-unique,,n=alice,r=x', /channel binding, which Kafka lacks/],
    ['a mandatory extension', 'n,,m=x,n=alice,r=x', /extension that we do not know/],
    ['a delegation token', 'n,,n=alice,r=x,tokenauth=true', /delegation tokens/],
    ['another identity', 'n,a=bob,n=alice,r=x', /"alice" may not act as "bob"/],
    ['a wrong escape', 'n,,n=al=ice,r=x', /malformed client-first/],
    ['a lower-case escape', 'n,,n=al=2cice,r=x', /malformed client-first/],
    ['no user', 'n,,n=,r=x', /malformed client-first/],
    ['no nonce', 'n,,n=alice,r=', /malformed client-first/],
    ['a nonce with a space', 'n,,n=alice,r=x y', /malformed client-first/],
    ['no header', 'n=alice,r=x', /malformed client-first/],
  ])('refuses %s', (_, message, error) => {
    expect(refusal(() => first(message))).toMatch(error)
  })

  test('accepts the harmless variants of the header', () => {
    expect(first('y,,n=alice,r=x')).toMatch(/^r=xserver,s=/)
    expect(first('n,a=alice,n=alice,r=x,f=extension')).toMatch(/^r=xserver,s=/)
  })

  test('shows unknown users the same face at every login, and another to each', () => {
    const unknown = first('n,,n=mallory,r=x')
    expect(unknown).toMatch(/^r=xserver,s=[A-Za-z0-9+/]{22}==,i=4096$/)
    expect(first('n,,n=mallory,r=x')).toBe(unknown)
    expect(first('n,,n=malory,r=x')).not.toBe(unknown)
    expect(first('n,,n=alice,r=x')).toHaveLength(unknown.length)
    expect(first('n,,n=alice,r=x')).toBe(first('n,,n=alice,r=x'))
  })

  test('an unknown user costs what a known one costs, and no rounds', () => {
    const cost = (mechanism: SaslMechanism, name: string) => {
      vi.mocked(crypto.pbkdf2).mockClear()
      vi.mocked(crypto.createHmac).mockClear()
      const server = saslServer(mechanism, users, 'server')
      const final = `c=biws,r=xserver,p=${Buffer.alloc(32).toString('base64')}`
      const tokens = mechanism === 'PLAIN' ? [`\0${name}\0wrong`] : [`n,,n=${name},r=x`, final]
      const last = tokens.pop() ?? ''
      for (const token of tokens) server.next(Buffer.from(token))
      expect(refusal(() => server.next(Buffer.from(last)))).toMatch(/or not its password/)
      expect(crypto.pbkdf2).not.toHaveBeenCalled()
      return vi.mocked(crypto.createHmac).mock.calls.length
    }
    for (const each of ['PLAIN', mechanism] as const) {
      expect(cost(each, 'mallory')).toBeGreaterThan(0)
      expect(cost(each, 'mallory')).toBe(cost(each, 'alice'))
    }
  })

  test('an unknown user fails even with a proof of the made-up key', async () => {
    // The strongest attacker there is: one who could read the made-up verifier.
    const { storedKey } = users.scramVerifier(mechanism, 'mallory')
    const known = { known: false, salt: Buffer.from('salt'), iterations: 4096 }
    const keys = await deriveKeys(mechanism, 'guess', known.salt, known.iterations)
    expect(crypto.createHash('sha256').update(keys.clientKey).digest()).toEqual(keys.storedKey)
    expect(storedKey).toHaveLength(32)
    const open: LocalUsers = { ...users, scramVerifier: () => ({ ...known, ...keys }) }
    const attempt = login(mechanism, open, { username: 'mallory', password: 'guess' })
    await expect(attempt).rejects.toThrow(/no user "mallory", or not its password/)
  })

  test.each([
    ['a nonce of its own', (m: string) => m.replace('r=', 'r=x'), /another nonce/],
    ['another header', (m: string) => m.replace('c=biws', 'c=eSws'), /repeat its first header/],
    ['no proof', (m: string) => m.replace(/,p=.*/, ''), /malformed client-final/],
    ['a short proof', (m: string) => m.replace(/,p=.*/, ',p=AAAA'), /malformed client-final/],
    ['a changed proof', (m: string) => m.replace(/,p=./, ',p=*'), /malformed client-final/],
    [
      'an extension it did not sign',
      (m: string) => m.replace(',p=', ',x=y,p='),
      /not its password/,
    ],
  ])('refuses a client-final with %s', async (_, change, error) => {
    const client = saslClient(mechanism, alice)
    const server = saslServer(mechanism, users)
    const step = await client.next(server.next(client.first()).token)
    if (step.kind !== 'send') throw new Error('no client-final')
    const changed = Buffer.from(change(step.token.toString()))
    expect(refusal(() => server.next(changed))).toMatch(error)
  })

  test('a recorded exchange cannot be played again', async () => {
    const client = saslClient(mechanism, alice, 'nonce')
    const clientFirst = client.first()
    const step = await client.next(saslServer(mechanism, users, 'one').next(clientFirst).token)
    if (step.kind !== 'send') throw new Error('no client-final')
    const again = saslServer(mechanism, users, 'two')
    again.next(clientFirst)
    expect(refusal(() => again.next(step.token))).toMatch(/another nonce/)
  })
})

describe('local users', () => {
  test.each([
    [[alice, alice], 'local user "alice" is configured twice'],
    [[{ username: 'x', password: '' }], 'local user "x" cannot log in: the password is empty'],
    [
      Array.from({ length: 1001 }, () => alice),
      '1001 local users are configured, allowed are 1000',
    ],
  ])('are refused at the start if they could never log in: %#', async (list, message) => {
    await expect(localUsers(list)).rejects.toThrow(new CutoverError('auth_downstream', message))
  })

  test('offer only the mechanisms that are asked for', async () => {
    const plain = await localUsers([alice], ['PLAIN'])
    expect(plain.mechanisms).toEqual(['PLAIN'])
    expect(() => saslServer('SCRAM-SHA-256', plain)).toThrow(/not offered/)
  })
})
