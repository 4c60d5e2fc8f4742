import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nearest, shown } from '../../src/config/errors.ts'
import {
  formatAddress,
  formatDuration,
  formatSize,
  hostsOverlap,
  isWildcard,
  parseAddress,
  parseDuration,
  parseSize,
} from '../../src/config/values.ts'

describe('an address', () => {
  it.each([
    ['10.0.0.1:9092', '10.0.0.1', 9092],
    ['kafka-1.internal:1', 'kafka-1.internal', 1],
    ['broker_1:65535', 'broker_1', 65535],
    ['[::1]:9092', '::1', 9092],
    ['[2001:db8::7]:9092', '2001:db8::7', 9092],
    [' localhost:9092 ', 'localhost', 9092],
    ['4f5e6a7b:9092', '4f5e6a7b', 9092],
  ])('%s', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port })
  })

  it.each([
    '',
    ':9092',
    'localhost',
    'localhost:',
    'localhost:0',
    'localhost:65536',
    'localhost:9092x',
    '::1:9092',
    '[::1]',
    '[10.0.0.1]:9092',
    '[localhost]:9092',
    'http://localhost:9092',
    'a b:9092',
    '10.0.0.256:9092',
    '10.0.0:9092',
    'a..b:9092',
    '-a:9092',
    'user@host:9092',
    `${'a'.repeat(64)}:9092`,
  ])('is not %j', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  })

  it('reads what it writes', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain())
    fc.assert(
      fc.property(host, fc.integer({ min: 1, max: 65_535 }), (name, port) => {
        const address = { host: name, port }
        expect(parseAddress(formatAddress(address))).toEqual(address)
      }),
    )
  })
})

describe('durations and sizes', () => {
  it.each([
    ['500ms', 500],
    ['10s', 10_000],
    ['1.5s', 1_500],
    ['10 m', 600_000],
    ['1h', 3_600_000],
    [250, 250],
    [0, 0],
  ])('%j is a duration', (given, ms) => {
    expect(parseDuration(given)).toBe(ms)
  })

  it.each([
    '10',
    '10 seconds',
    '10S',
    '-1s',
    's',
    '',
    '1e3s',
    '0.1ms',
    1.5,
    -1,
    NaN,
    true,
    null,
    [],
  ])('%j is no duration', (given) => {
    expect(parseDuration(given)).toBeUndefined()
  })

  it.each([
    ['1B', 1],
    ['64KiB', 65_536],
    ['100MiB', 104_857_600],
    ['1GiB', 1_073_741_824],
    [12, 12],
  ])('%j is a size', (given, bytes) => {
    expect(parseSize(given)).toBe(bytes)
  })

  it.each(['100MB', '100', '1TiB', '1mib', '9999999999GiB'])('%j is no size', (given) => {
    expect(parseSize(given)).toBeUndefined()
  })

  it('are written in the largest unit that is exact', () => {
    expect([0, 999, 1_000, 90_000, 600_000].map(formatDuration)).toEqual([
      '0',
      '999ms',
      '1s',
      '90s',
      '10m',
    ])
    expect([1, 1_024, 1_025, 2 ** 30].map(formatSize)).toEqual(['1B', '1KiB', '1025B', '1GiB'])
  })
})

describe('hosts', () => {
  it.each(['0.0.0.0', '::', '0:0:0:0:0:0:0:0'])('%s is every address', (host) => {
    expect(isWildcard(host)).toBe(true)
  })

  it.each([
    ['127.0.0.1', '127.0.0.1', true],
    ['127.0.0.1', 'localhost', true],
    ['::', '10.0.0.1', true],
    ['127.0.0.1', '127.0.0.2', false],
    ['10.0.0.1', '127.0.0.1', false],
    ['App', 'app', true],
  ])('%s and %s overlap: %s', (a, b, overlap) => {
    expect(hostsOverlap(a, b)).toBe(overlap)
    expect(hostsOverlap(b, a)).toBe(overlap)
  })
})

describe('what is shown of a value', () => {
  it.each([
    ['a', '"a"'],
    [1, '1'],
    [null, 'null'],
    [[1, 2], 'a list of 2'],
    [{ password: 'x' }, 'a mapping'],
    ['x'.repeat(200), `"${'x'.repeat(80)}..."`],
    ['SASL_SSL://me:hunter2@kafka:9092', '"SASL_SSL://***@kafka:9092"'],
    ['me:hunter2@kafka:9092', '"***@kafka:9092"'],
  ])('%j', (value, text) => {
    expect(shown(value)).toBe(text)
  })
})

describe('the nearest known word', () => {
  const known = ['bootstrapServers', 'sasl', 'tls', '--source']
  it.each([
    ['bootstrap.servers', 'bootstrapServers'],
    ['bootstrap_servers', 'bootstrapServers'],
    ['bootstrapServer', 'bootstrapServers'],
    ['ssal', 'sasl'],
    ['sorce', '--source'],
    ['xylophone', undefined],
  ])('of %s is %s', (word, expected) => {
    expect(nearest(word, known)).toBe(expected)
  })
})
