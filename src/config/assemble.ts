/** From the checked file to the configuration: defaults filled in, secrets fetched, units named. */
import { join, resolve } from 'node:path'
import type { Finding } from './check.ts'
import type {
  ClientTls,
  ClusterConfig,
  Config,
  CutoverConfig,
  JournalPlace,
  Limits,
  ListenConfig,
  ListenUser,
} from './config.ts'
import { defaults, limitDefaults } from './defaults.ts'
import type { SecretPlace } from './leaf.ts'
import type { FileShape } from './schema.ts'
import { resolveSecret, type Surroundings } from './secrets.ts'
import { tlsComplaint } from './tls.ts'
import type { Path } from './yaml.ts'

export interface AssembleInput extends Surroundings {
  /** The folder from which a relative path of the journal counts. */
  readonly journalFrom: string
  readonly hostName: string
}

export interface Assembled {
  /** Complete only if nothing was found here or before. */
  readonly config: Config
  readonly findings: readonly Finding[]
}

/** Fetches the secret at a path; what cannot be fetched is noted, and is empty. */
type Fetch = (path: Path, place: SecretPlace | undefined) => string | undefined

export async function assemble(shape: FileShape, input: AssembleInput): Promise<Assembled> {
  const findings: Finding[] = []
  const fetch: Fetch = (path, place) => {
    if (place === undefined) return undefined
    const resolved = resolveSecret(place, input)
    if (resolved.complaint === undefined) return resolved.value
    findings.push({ path, ...resolved.complaint })
    return undefined
  }
  const name = shape.name ?? input.hostName
  const stateDir = input.absolute(shape.stateDir ?? (await defaultStateDir()))
  const config: Config = {
    name,
    stateDir,
    source: cluster('source', shape.source ?? {}, fetch),
    target: shape.target === undefined ? null : cluster('target', shape.target, fetch),
    listen: listen(shape.listen ?? {}, fetch),
    admin: {
      host: shape.admin?.host ?? defaults.admin.host,
      port: shape.admin?.port ?? defaults.admin.port,
      token: fetch(['admin', 'token'], shape.admin?.token) ?? null,
    },
    cutover: cutover(shape.cutover ?? {}, input.journalFrom, join(stateDir, `${name}.journal`)),
    limits: limits(shape.limits ?? {}),
    log: { level: shape.log?.level ?? defaults.logLevel },
  }
  for (const section of ['source', 'target', 'listen'] as const) {
    const tls = config[section]?.tls
    if (tls === undefined || tls === null) continue
    const complaint = await tlsComplaint(tls)
    if (complaint !== null) findings.push({ ...complaint, path: [section, 'tls', complaint.key] })
  }
  return { config, findings }
}

async function defaultStateDir(): Promise<string> {
  const { default: envPaths } = await import('env-paths')
  return envPaths('kafka-cutover', { suffix: '' }).data
}

function cluster(
  name: 'source' | 'target',
  shape: NonNullable<FileShape['source']>,
  fetch: Fetch,
): ClusterConfig {
  const { bootstrapServers = [], tls, sasl } = shape
  return {
    bootstrapServers: bootstrapServers.filter((server) => server !== undefined),
    tls: tls === undefined ? null : clientTls([name, 'tls'], tls, fetch),
    sasl:
      sasl?.mechanism === undefined
        ? null
        : {
            mechanism: sasl.mechanism,
            username: sasl.username ?? '',
            password: fetch([name, 'sasl', 'password'], sasl.password) ?? '',
          },
  }
}

function clientTls(
  path: Path,
  tls: NonNullable<NonNullable<FileShape['source']>['tls']>,
  fetch: Fetch,
): ClientTls {
  const ca = fetch([...path, 'ca'], tls.ca)
  const cert = fetch([...path, 'cert'], tls.cert)
  const key = fetch([...path, 'key'], tls.key)
  const passphrase = fetch([...path, 'passphrase'], tls.passphrase)
  const { serverName } = tls
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(serverName === undefined ? {} : { serverName }),
  }
}

function listen(shape: NonNullable<FileShape['listen']>, fetch: Fetch): ListenConfig {
  const { tls, sasl } = shape
  const host = shape.host ?? defaults.listen.host
  const users = sasl?.users?.map((user, i): ListenUser => ({
    username: user.username ?? '',
    password: fetch(['listen', 'sasl', 'users', i, 'password'], user.password) ?? '',
  }))
  const ca = fetch(['listen', 'tls', 'ca'], tls?.ca)
  return {
    host,
    port: shape.port ?? defaults.listen.port,
    advertisedHost: shape.advertisedHost ?? host,
    tls:
      tls === undefined
        ? null
        : {
            cert: fetch(['listen', 'tls', 'cert'], tls.cert) ?? '',
            key: fetch(['listen', 'tls', 'key'], tls.key) ?? '',
            ...(ca === undefined ? {} : { ca }),
          },
    sasl: users === undefined ? null : { users },
  }
}

function cutover(
  shape: NonNullable<FileShape['cutover']>,
  journalFrom: string,
  journalDefault: string,
): CutoverConfig {
  const { mode = defaults.mode, carry = false, seal = false, topics } = shape
  const journal: JournalPlace = shape.journal ?? { kind: 'file', path: journalDefault }
  return {
    mode,
    topics:
      topics?.map((topic) => ({
        source: topic?.source ?? '',
        target: topic?.target ?? topic?.source ?? '',
        mode: topic?.mode ?? mode,
        carry: topic?.carry ?? carry,
      })) ?? null,
    journal:
      journal.kind === 'file'
        ? { kind: 'file', path: resolve(journalFrom, journal.path) }
        : journal,
    fenceDeadlineMs: shape.fenceDeadline ?? defaults.fenceDeadlineMs,
    carry,
    seal,
  }
}

function limits(shape: NonNullable<FileShape['limits']>): Limits {
  const { connections = limitDefaults.connectionsMax } = shape
  return {
    connectionsMax: connections === 'auto' ? null : connections,
    requestBytesMax: shape.requestBytes ?? limitDefaults.requestBytesMax,
    rewrittenResponseBytesMax:
      shape.rewrittenResponseBytes ?? limitDefaults.rewrittenResponseBytesMax,
    bufferedBytesMax: shape.bufferedBytes ?? limitDefaults.bufferedBytesMax,
    inFlightRequestsMax: shape.inFlightRequests ?? limitDefaults.inFlightRequestsMax,
    connectTimeoutMs: shape.connectTimeout ?? limitDefaults.connectTimeoutMs,
    answerTimeoutMs: shape.answerTimeout ?? limitDefaults.answerTimeoutMs,
    unfinishedRequestTimeoutMs:
      shape.unfinishedRequestTimeout ?? limitDefaults.unfinishedRequestTimeoutMs,
    unreadAnswerTimeoutMs: shape.unreadAnswerTimeout ?? limitDefaults.unreadAnswerTimeoutMs,
    topologyAgeMsMax: shape.topologyMaxAge ?? limitDefaults.topologyAgeMsMax,
    splitFetchWaitMs: shape.splitFetchWait ?? limitDefaults.splitFetchWaitMs,
    shutdownTimeoutMs: shape.shutdownTimeout ?? limitDefaults.shutdownTimeoutMs,
  }
}
