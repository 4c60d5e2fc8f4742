import type { GroupStatus, Status } from '../admin/index.ts'

/** The status as a person reads it. Unknown numbers are a dash. */
export function statusText(status: Status): string {
  const { name, version, pid, phase, direction, mode, source, target, allowed } = status
  const rows: (readonly [string, string])[] = [
    ['phase', `${phase} (${direction}, ${mode})`],
    ['source', source.join(', ')],
    ['target', target === null ? 'none: a plain pass-through' : target.join(', ')],
    ['clients', `${status.connections} connections`],
    ['allowed', allowed.length === 0 ? 'no command now' : allowed.join(', ')],
  ]
  const { durationMs, heldRequests } = status.fence
  if (phase === 'fenced') rows.push(['fence', `${known(heldRequests)} requests held`])
  else if (durationMs !== null)
    rows.push(['fence', `the last one stood ${Math.round(durationMs)} ms`])
  if (status.lastAbort !== null) rows.push(['aborted', status.lastAbort])
  return [
    `${name}: kafka-cutover ${version}, pid ${pid}, up ${duration(status.uptimeSeconds)}`,
    ...rows.map(([key, value]) => `  ${key.padEnd(9)}${value}`),
    ...section('waiting for', status.waitingFor),
    ...section(
      'virtual brokers',
      aligned(
        status.listeners.map(({ slot, nodeId, address, home }) => [
          nodeId === null ? 'bootstrap' : `broker ${nodeId}`,
          address,
          nodeId === null && slot === 0
            ? ''
            : `source ${home.source ?? '-'}${target === null ? '' : `, target ${home.target ?? '-'}`}`,
        ]),
      ),
    ),
    ...section('groups', aligned(status.groups.map(groupRow))),
    ...section(
      'topics',
      aligned(
        status.topics.map(({ source: from, target: to, partitions }) => [
          from === to ? from : `${from} to ${to}`,
          `${partitions.length} partitions`,
        ]),
      ),
    ),
    ...section(
      'sidecars',
      aligned(
        status.sidecars.map((sidecar) => [
          sidecar.name,
          sidecar.acknowledged ? 'acknowledged' : '',
          sidecar.lastSeenMs === null ? '' : `seen ${duration(sidecar.lastSeenMs / 1_000)} ago`,
        ]),
      ),
    ),
  ]
    .map((line) => line.trimEnd())
    .join('\n')
}

/** How a cutover goes, in one line: the groups in numbers, or else what is waited for. */
export function progressText({ phase, groups, waitingFor }: Status): string {
  const concerned = groups.filter(({ state }) => state !== 'source')
  const settled = concerned.filter(({ state }) => state === 'moved' || state === 'forgotten')
  const left = concerned.filter((group) => !settled.includes(group))
  const moved =
    concerned.length === 0 ? [] : [`${settled.length} of ${concerned.length} groups moved`]
  const remaining = sumOf(left.map((group) => group.remaining))
  const rate = sumOf(left.map((group) => group.ratePerSecond))
  const etas = left.flatMap(({ etaSeconds }) => etaSeconds ?? [])
  const drain =
    left.length === 0 || remaining === null
      ? []
      : [
          `${remaining} records left`,
          ...(rate === null ? [] : [`${rate}/s`]),
          // The slowest decides, and one of which nothing is known may be slower.
          ...(etas.length < left.length ? [] : [duration(Math.max(...etas))]),
        ]
  const facts = [...moved, ...drain].join(', ')
  const [first, ...more] = waitingFor
  const waiting = [first ?? '', more.length === 0 ? '' : ` (and ${more.length} more)`].join('')
  return [phase, facts, waiting === '' ? '' : `waiting for ${waiting}`]
    .filter((part) => part !== '')
    .join('; ')
}

/** Null where one of them is not known. */
function sumOf(numbers: readonly (number | null)[]): number | null {
  let sum = 0
  for (const each of numbers) {
    if (each === null) return null
    sum += each
  }
  return sum
}

function groupRow({ group, state, members, remaining, ratePerSecond, etaSeconds }: GroupStatus) {
  const eta = etaSeconds === null ? '' : `, ${duration(etaSeconds)}`
  const drain = `${known(remaining)} records left, ${known(ratePerSecond)}/s${eta}`
  return [group, state, `${known(members)} members`, state === 'moved' ? '' : drain]
}

const known = (value: number | null): string => (value === null ? '-' : String(value))

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${line}`)]
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  return rows.map((row) => row.map((cell, i) => cell.padEnd((widths[i] ?? 0) + 2)).join(''))
}

export function duration(seconds: number): string {
  const whole = Math.floor(seconds)
  if (whole < 120) return `${whole} s`
  if (whole < 7_200) return `${Math.floor(whole / 60)} min`
  return whole < 172_800 ? `${Math.floor(whole / 3_600)} h` : `${Math.floor(whole / 86_400)} d`
}
