import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Which core does what, and what it cost. The proxy has one core to itself; broker and load share the
 * others, so that the one is not measured while it waits for the other.
 */
export interface Cores {
  readonly proxy: string
  readonly load: string
}

/** @returns undefined where there is nothing to divide */
export function divideCores(): Cores | undefined {
  const count = availableParallelism()
  return count < 2 ? undefined : { proxy: '0', load: count === 2 ? '1' : `1-${count - 1}` }
}

/** A command that runs on the given cores only. */
export function pinned(cores: string | undefined, command: readonly string[]): readonly string[] {
  return cores === undefined ? command : ['taskset', '-c', cores, ...command]
}

const nanosecondsPerSecond = 1e9
const ticksPerSecond = 100
/** `utime` and `stime` in /proc/PID/stat, counted from the field behind the command's name. */
const statFields = { userTicks: 11, systemTicks: 12, childUserTicks: 13, childSystemTicks: 14 }

/**
 * User and system time of a process with all its living threads, in seconds. `schedstat` is the same
 * clock as `utime + stime` in `stat`, in nanoseconds; `stat` counts in hundredths of a second, which is
 * too coarse for a run that costs a fifth of a second.
 */
export function cpuSeconds(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    const nanoseconds = threads.map((thread) => {
      const [onCpu = ''] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')
      return Number(onCpu)
    })
    return nanoseconds.reduce((sum, value) => sum + value, 0) / nanosecondsPerSecond
  } catch {
    const fields = stat(pid)
    return (field(fields, 'userTicks') + field(fields, 'systemTicks')) / ticksPerSecond
  }
}

/** Of this process and of all its children that have ended. */
function ownSeconds(): number {
  const fields = stat(process.pid)
  const names = ['userTicks', 'systemTicks', 'childUserTicks', 'childSystemTicks'] as const
  return names.reduce((sum, name) => sum + field(fields, name), 0) / ticksPerSecond
}

function stat(pid: number): readonly string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(')') + 2).split(' ')
}

const field = (fields: readonly string[], name: keyof typeof statFields): number =>
  Number(fields[statFields[name]] ?? 0)

const kibibytesPattern = /^VmRSS:\s+(\d+) kB$/m

/** Resident memory of a process in KiB. */
export function residentKib(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(kibibytesPattern.exec(status)?.[1] ?? Number.NaN)
}

/** What all cores together have done for anybody, in seconds; waiting and interrupts are not counted. */
function machineSeconds(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n')
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] = line.split(/\s+/).slice(1).map(Number)
  return (user + nice + system + steal) / ticksPerSecond
}

/**
 * Watches what others do on this machine meanwhile.
 * @param pids our processes that outlive the measurement; those that end in it are counted as ours too
 * @returns a function that gives the cores that others kept busy since, on average
 */
export function watchNoise(pids: readonly number[]): () => number {
  const ours = () => ownSeconds() + pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)
  const before = { machine: machineSeconds(), ours: ours(), at: performance.now() }
  return () => {
    const seconds = (performance.now() - before.at) / 1000
    const foreign = machineSeconds() - before.machine - (ours() - before.ours)
    return Math.max(0, foreign / seconds)
  }
}

const quietWindowMs = 1_000

/** Waits until others leave the machine alone for a moment. @returns whether they did in time */
export async function quiet(
  pids: readonly number[],
  coresMax: number,
  timeoutMs: number,
): Promise<boolean> {
  const end = performance.now() + timeoutMs
  while (performance.now() < end) {
    const noise = watchNoise(pids)
    await sleep(quietWindowMs)
    if (noise() <= coresMax) return true
  }
  return false
}
