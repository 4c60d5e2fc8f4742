import { pino, type Logger as PinoLogger } from 'pino'

/** The keys a log line may carry beside its message; a message is constant and says what happened. */
export interface LogKeys {
  readonly sessionId?: number | undefined
  readonly cluster?: string | undefined
  readonly nodeId?: number | undefined
  readonly apiKey?: number | undefined
  readonly apiVersion?: number | undefined
  readonly correlationId?: number | undefined
  readonly topic?: string | undefined
  readonly partition?: number | undefined
  readonly group?: string | undefined
  readonly errorCode?: number | undefined
  /** Of the migration, and why it is in it. */
  readonly phase?: string | undefined
  readonly reason?: string | undefined
  readonly err?: unknown
  /** Who: `host:port` of a client or a broker, or what a line is about (a path, a name). */
  readonly peer?: string | undefined
  /** The value that was met, and the limit it met. */
  readonly value?: number | string | undefined
  readonly limit?: number | string | undefined
  /** How many lines of this kind were left out since the last one (see `RateLimitedLog`). */
  readonly suppressed?: number | undefined
}

/** The part of pino that the project uses. */
export interface Log {
  error(keys: LogKeys, message: string): void
  warn(keys: LogKeys, message: string): void
  info(keys: LogKeys, message: string): void
  debug(keys: LogKeys, message: string): void
}

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

/** JSON lines on standard output; pretty on a terminal. */
export function openLog(level: LogLevel): PinoLogger {
  return process.stdout.isTTY
    ? pino({ level, transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname' } } })
    : pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime })
}

export const silentLog: Log = { error() {}, warn() {}, info() {}, debug() {} }

/**
 * A log on which the outside world cannot write without bound: at most `linesPerWindow` lines of one
 * message in `windowMs`; the next window's first line says how many were left out.
 */
export function rateLimited(log: Log, linesPerWindow = 5, windowMs = 10_000): Log {
  const seen = new Map<string, { windowEnd: number; lines: number; suppressed: number }>()
  const limit =
    (write: (keys: LogKeys, message: string) => void) => (keys: LogKeys, message: string) => {
      const now = performance.now()
      let state = seen.get(message)
      if (state === undefined || now >= state.windowEnd) {
        const suppressed = state?.suppressed ?? 0
        state = { windowEnd: now + windowMs, lines: 1, suppressed: 0 }
        seen.set(message, state)
        write(suppressed > 0 ? { ...keys, suppressed } : keys, message)
      } else if (state.lines < linesPerWindow) {
        state.lines++
        write(keys, message)
      } else {
        state.suppressed++
      }
    }
  return {
    error: limit((k, m) => log.error(k, m)),
    warn: limit((k, m) => log.warn(k, m)),
    info: limit((k, m) => log.info(k, m)),
    debug: limit((k, m) => log.debug(k, m)),
  }
}
