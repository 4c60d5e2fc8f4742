import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sniffBytes, sniffFirstBytes, sniffRemedies } from '../../src/security/index.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('first bytes', () => {
  test.each([
    // Recorded: Java's first request to a SASL listener, librdkafka-like flexible versions, acks=0 sizes.
    ['ApiVersions v0 of Kafka 3.9.1', hex('0000000a 0012 0000 7ffffff8 0000'), 'kafka'],
    ['ApiVersions v4', hex('00000031 0012 0004 00000000'), 'kafka'],
    ['a Produce of 100 MB', hex('06400000 0000 0009'), 'kafka'],
    ['GetTelemetrySubscriptions', hex('00000020 0047 0000'), 'kafka'],
    ['only a length', hex('0000000a'), 'kafka'],
    ['a length above the limit', hex('06400001 0000 0009'), 'unknown'],
    ['a length of 0', hex('00000000 0012 0000'), 'unknown'],
    ['a negative length', hex('ffffffff 0012 0000'), 'unknown'],
    ['an absurd API key', hex('0000000a 1200 0000'), 'unknown'],
    ['an absurd version', hex('0000000a 0012 0100'), 'unknown'],
    ['TLS 1.3 client hello', hex('160301 0200 010001'), 'tls'],
    ['TLS 1.2 alert', hex('150303 0002 0246'), 'tls'],
    ['a frame as long as a TLS record looks', hex('16050000 0012 0000'), 'unknown'],
    ['HTTP', Buffer.from('GET /metrics HTTP/1.1'), 'http'],
    ['HTTP POST', Buffer.from('POST /'), 'http'],
    ['HTTP/2', Buffer.from('PRI * HTTP/2.0'), 'http'],
    ['an HTTP answer', Buffer.from('HTTP/1.1 400'), 'http'],
    ['SSH', Buffer.from('SSH-2.0-OpenSSH'), 'unknown'],
    ['too few', hex('160301'), 'unknown'],
    ['none', Buffer.alloc(0), 'unknown'],
  ] as const)('%s', (_, bytes, kind) => {
    expect(sniffFirstBytes(bytes)).toBe(kind)
  })

  test('every request of Kafka is known, from 4 bytes as from 8', () => {
    const length = fc.integer({ min: 1, max: 104_857_600 })
    const key = fc.integer({ min: 0, max: 255 })
    fc.assert(
      fc.property(length, key, fc.integer({ min: 0, max: 63 }), (size, apiKey, version) => {
        const bytes = Buffer.alloc(sniffBytes)
        bytes.writeInt32BE(size)
        bytes.writeInt16BE(apiKey, 4)
        bytes.writeInt16BE(version, 6)
        expect(sniffFirstBytes(bytes)).toBe('kafka')
        expect(sniffFirstBytes(bytes.subarray(0, 4))).toBe('kafka')
      }),
    )
  })

  test('every kind has a sentence', () => {
    for (const kind of ['kafka', 'http', 'tls', 'unknown'] as const)
      expect(sniffRemedies[kind]).toMatch(/^the client speaks /)
  })
})
