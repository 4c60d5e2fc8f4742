/**
 * The configuration file, key by key. Everything is optional here: what must be there, and what goes
 * together, is in rules/, so that one run reports every mistake.
 */
import * as z from 'zod'
import { logLevels } from '../log.ts'
import { cutoverModes, saslMechanisms, type JournalPlace } from './config.ts'
import { fenceDeadlineMsMax } from './defaults.ts'
import { bounded, choice, flag, leaf, pem, secret, text } from './leaf.ts'
import {
  addressRemedy,
  formatDuration,
  formatSize,
  isHost,
  isTopicName,
  parseAddress,
  parseDuration,
  parseSize,
  portMax,
} from './values.ts'

const second = 1_000
const hour = 3_600 * second
const kibibyte = 2 ** 10
const gibibyte = 2 ** 30

const serverAddress = leaf({
  allowed: 'host:port, port 1 to 65535',
  remedy: (given) => addressRemedy(typeof given === 'string' ? given : ''),
  parse: (value) => (typeof value === 'string' ? parseAddress(value) : undefined),
})

/** `a:1,b:2` is a list as Kafka's own properties write it. */
export const splitList = (text: string): string[] => text.split(',').map((item) => item.trim())

const commaList = (value: unknown): unknown =>
  typeof value === 'string' ? splitList(value) : value

const port = () =>
  bounded({
    min: 1,
    max: portMax,
    format: String,
    parse: (value) => (Number.isInteger(value) ? Number(value) : undefined),
    example: '9092, without quotes',
  })

const host = () =>
  text('an IP address or a host name', isHost, 'write the host alone, without port or scheme')

/** A section without anything below it is as good as absent. */
const section = <S extends z.ZodRawShape>(shape: S) =>
  z.preprocess((value) => value ?? undefined, z.strictObject(shape).optional())

const word = (what: string) =>
  text(what, (value) => value.trim().length > 0, 'write a text that is not empty')

/** `tls: true` is TLS with all defaults. */
const tls = z.preprocess(
  (value) => (value === true ? {} : value === false || value === null ? undefined : value),
  z
    .strictObject({
      ca: pem(),
      cert: pem(),
      key: pem(),
      passphrase: secret(),
      serverName: host(),
    })
    .optional(),
)

const cluster = section({
  bootstrapServers: z.preprocess(commaList, z.array(serverAddress).optional()),
  tls,
  sasl: section({
    mechanism: choice(saslMechanisms),
    username: word('a user name'),
    password: secret(),
  }),
})

const listen = section({
  host: host(),
  port: port(),
  advertisedHost: host(),
  tls: section({ cert: pem(), key: pem(), ca: pem() }),
  sasl: section({
    users: z
      .array(z.strictObject({ username: word('a user name'), password: secret() }))
      .optional(),
  }),
})

const topicName = () =>
  text(
    'a topic name: 1 to 249 of a-z A-Z 0-9 . _ -',
    isTopicName,
    'write the name as `kafka-topics --list` shows it',
  )

/** `orders` and `orders:orders-v2` are short for the mapping. */
const plannedTopic = z.preprocess(
  (value) => {
    if (typeof value !== 'string') return value
    const [source, target, ...rest] = value.split(':')
    if (rest.length > 0) return { source: value }
    return target === undefined ? { source } : { source, target }
  },
  z
    .strictObject({
      source: topicName(),
      target: topicName(),
      mode: choice(cutoverModes),
      carry: flag(),
    })
    .optional(),
)

const journal = leaf<JournalPlace>({
  allowed: 'file:PATH or topic:NAME',
  remedy: 'write file:PATH for one sidecar, topic:NAME for more',
  parse: (value) => {
    if (typeof value !== 'string') return undefined
    const [, kind, rest = ''] = /^(file|topic):(.+)$/.exec(value) ?? []
    if (kind === 'file') return { kind, path: rest }
    return kind === 'topic' && isTopicName(rest) ? { kind, name: rest } : undefined
  },
})

const cutover = section({
  mode: choice(cutoverModes),
  topics: z.preprocess(commaList, z.array(plannedTopic).optional()),
  journal,
  fenceDeadline: bounded({
    min: 100,
    max: fenceDeadlineMsMax,
    format: formatDuration,
    parse: parseDuration,
    example: '5s',
  }),
  carry: flag(),
  seal: flag(),
})

const duration = (min: number, max: number, example: string) =>
  bounded({ min, max, format: formatDuration, parse: parseDuration, example })
const size = (min: number, max: number, example: string) =>
  bounded({ min, max, format: formatSize, parse: parseSize, example })
const count = (min: number, max: number, example: string) =>
  bounded({
    min,
    max,
    format: String,
    parse: (value) => (Number.isInteger(value) ? Number(value) : undefined),
    example,
  })

/** `auto` is what the limit on file descriptors leaves room for. */
const connections = leaf<number | 'auto'>({
  allowed: 'auto, or 1 to 1000000',
  remedy: 'write auto, or a number without quotes',
  parse: (value) => {
    if (value === 'auto') return value
    return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 1_000_000
      ? Number(value)
      : undefined
  },
})

/** A frame's length is a signed 32-bit number in Kafka's protocol. */
const frameBytesMax = 2_047 * 1_024 * kibibyte

const limits = section({
  connections,
  requestBytes: size(kibibyte, frameBytesMax, '100MiB'),
  rewrittenResponseBytes: size(kibibyte, frameBytesMax, '100MiB'),
  bufferedBytes: size(1_024 * kibibyte, 64 * gibibyte, '256MiB'),
  inFlightRequests: count(1, 100_000, '1000'),
  connectTimeout: duration(100, hour, '10s'),
  answerTimeout: duration(second, hour, '120s'),
  unfinishedRequestTimeout: duration(second, hour, '60s'),
  unreadAnswerTimeout: duration(second, 24 * hour, '10m'),
  topologyMaxAge: duration(second, hour, '60s'),
  splitFetchWait: duration(0, 5 * second, '100ms'),
  shutdownTimeout: duration(100, hour, '25s'),
})

export const fileSchema = z.strictObject({
  name: text(
    '1 to 249 of a-z A-Z 0-9 . _ -',
    (value) => /^[\w.-]{1,249}$/.test(value),
    'choose another name for this sidecar',
  ),
  stateDir: word('the path of a folder'),
  source: cluster,
  target: cluster,
  listen,
  admin: section({ host: host(), port: port(), token: secret() }),
  cutover,
  limits,
  log: section({ level: choice(logLevels) }),
})

/** The file after its values were read; secrets still where they are. */
export type FileShape = z.output<typeof fileSchema>
