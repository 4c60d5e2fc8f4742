import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { errorKinds } from '../../src/errors.ts'
import { createMetrics, type Described } from '../../src/metrics/index.ts'
import { parseExposition, type Sample } from './exposition.ts'

async function scrape(metrics = createMetrics('1.2.3')) {
  const { contentType, body } = await metrics.render()
  expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
  return parseExposition(body)
}

const named = (samples: readonly Sample[], name: string) =>
  samples
    .filter((sample) => sample.name === `kafka_cutover_${name}`)
    .map(({ labels, value }) => ({ ...labels, value }))

const described: Described = {
  drains: [{ group: 'g', topic: 'orders', remaining: 1204, ratePerSecond: 410, etaSeconds: 3 }],
  sidecars: [{ name: 'app-1', acknowledged: true }],
  stragglers: [
    { topic: 'orders', count: 0 },
    { topic: 'bills', count: 3 },
  ],
  held: [{ apiKey: 0, count: 2 }],
}

describe('the metrics of the contract', () => {
  // From contract.md, by hand: renaming one of them is a change that users must be told of.
  const contract = {
    phase: ['gauge', 'direction phase'],
    transitions_total: ['counter', 'from to'],
    fence_duration_seconds: ['histogram', ''],
    held_requests: ['gauge', 'api'],
    hold_duration_seconds: ['histogram', 'api'],
    drain_remaining_records: ['gauge', 'group topic'],
    drain_rate_records_per_second: ['gauge', 'group topic'],
    drain_eta_seconds: ['gauge', 'group topic'],
    group_moves_total: ['counter', ''],
    group_move_duration_seconds: ['histogram', ''],
    stragglers_total: ['counter', 'topic'],
    sidecar_acknowledged: ['gauge', 'sidecar'],
    downstream_connections: ['gauge', ''],
    upstream_connections: ['gauge', 'cluster'],
    requests_total: ['counter', 'api cluster'],
    request_duration_seconds: ['histogram', 'api cluster'],
    received_bytes_total: ['counter', 'peer'],
    sent_bytes_total: ['counter', 'peer'],
    errors_total: ['counter', 'kind'],
    build_info: ['gauge', 'version'],
  }

  it.each(Object.entries(contract))('%s has its type and labels', async (name, [type, labels]) => {
    const metrics = createMetrics('1.2.3')
    metrics.entered('fenced', 'forward')
    metrics.observer.requestAnswered(0, 'source', 0.001)
    metrics.observer.requestHeld(0, 0.2)
    metrics.describe(() => described)
    const { types, samples } = await scrape(metrics)
    expect(types.get(`kafka_cutover_${name}`)).toBe(type)
    const suffix = type === 'histogram' ? '_count' : ''
    const [sample] = samples.filter((each) => each.name === `kafka_cutover_${name}${suffix}`)
    expect(
      Object.keys(sample?.labels ?? { none: '' })
        .sort()
        .join(' '),
    ).toBe(labels)
  })
})

describe('before anything happened', () => {
  it('shows the zero of every kind of error', async () => {
    const { samples } = await scrape()
    const expected = Object.keys(errorKinds).map((kind) => ({ kind, value: 0 }))
    expect(named(samples, 'errors_total')).toEqual(expected)
  })

  it('is in phase source, forward, and in no other', async () => {
    const phases = named((await scrape()).samples, 'phase')
    expect(phases).toHaveLength(10)
    expect(phases.filter(({ value }) => value === 1)).toEqual([
      { phase: 'source', direction: 'forward', value: 1 },
    ])
    expect(phases.filter(({ value }) => value === 0)).toHaveLength(9)
  })

  it('names the version', async () => {
    expect(named((await scrape()).samples, 'build_info')).toEqual([{ version: '1.2.3', value: 1 }])
  })
})

describe('what the observer is told', () => {
  it('counts requests by API and by who answered', async () => {
    const metrics = createMetrics('1')
    metrics.observer.requestAnswered(0, 'source', 0.1)
    metrics.observer.requestAnswered(0, 'source', 0.1)
    metrics.observer.requestAnswered(0, 'target', 0.1)
    metrics.observer.requestAnswered(18, 'sidecar', 0.1)
    expect(named((await scrape(metrics)).samples, 'requests_total')).toEqual([
      { api: 'Produce', cluster: 'source', value: 2 },
      { api: 'Produce', cluster: 'target', value: 1 },
      { api: 'ApiVersions', cluster: 'sidecar', value: 1 },
    ])
  })

  it.each([-1, 127, 128, 32_767])('calls API key %i unknown', async (apiKey) => {
    const metrics = createMetrics('1')
    metrics.observer.requestAnswered(apiKey, 'sidecar', 0.1)
    expect(named((await scrape(metrics)).samples, 'requests_total')).toEqual([
      { api: 'unknown', cluster: 'sidecar', value: 1 },
    ])
  })

  it('sorts durations into cumulative buckets, a bound belonging to its bucket', async () => {
    const metrics = createMetrics('1')
    for (const seconds of [0, 0.0005, 0.00051, 0.02, 60, 61]) {
      metrics.observer.requestAnswered(1, 'source', seconds)
    }
    const { samples } = await scrape(metrics)
    const buckets = named(samples, 'request_duration_seconds_bucket')
    const count = (le: string): number | undefined =>
      buckets.find((bucket) => 'le' in bucket && bucket.le === le)?.value
    expect(['0.0005', '0.001', '0.01', '0.025', '30', '60', '+Inf'].map(count)).toEqual([
      2, 3, 3, 4, 4, 5, 6,
    ])
    expect(named(samples, 'request_duration_seconds_count')[0]?.value).toBe(6)
    expect(named(samples, 'request_duration_seconds_sum')[0]?.value).toBeCloseTo(121.02101, 6)
  })

  it('counts connections up and down, and bytes by peer', async () => {
    const { observer, ...metrics } = createMetrics('1')
    observer.downstreamOpened()
    observer.downstreamOpened()
    observer.downstreamClosed()
    observer.upstreamOpened('source')
    observer.upstreamOpened('target')
    observer.upstreamClosed('target')
    observer.received('client', 2 ** 40)
    observer.received('client', 1)
    observer.sent('target', 7)
    observer.failed('upstream_connect')
    expect(metrics.downstreamConnections()).toBe(1)
    const { samples } = await scrape({ observer, ...metrics })
    expect(named(samples, 'downstream_connections')).toEqual([{ value: 1 }])
    expect(named(samples, 'upstream_connections')).toEqual([
      { cluster: 'source', value: 1 },
      { cluster: 'target', value: 0 },
    ])
    expect(named(samples, 'received_bytes_total')).toEqual([
      { peer: 'client', value: 2 ** 40 + 1 },
      { peer: 'source', value: 0 },
      { peer: 'target', value: 0 },
    ])
    expect(named(samples, 'sent_bytes_total')[2]).toEqual({ peer: 'target', value: 7 })
    const failures = named(samples, 'errors_total').filter(({ value }) => value > 0)
    expect(failures).toEqual([{ kind: 'upstream_connect', value: 1 }])
  })

  it('shows the same numbers when it is scraped again', async () => {
    const metrics = createMetrics('1')
    metrics.observer.requestAnswered(3, 'source', 0.1)
    metrics.entered('fenced', 'forward')
    metrics.entered('source', 'forward')
    metrics.entered('fenced', 'forward')
    await scrape(metrics)
    const { samples } = await scrape(metrics)
    expect(named(samples, 'requests_total')).toEqual([
      { api: 'Metadata', cluster: 'source', value: 1 },
    ])
    expect(named(samples, 'transitions_total')).toEqual([
      { from: 'source', to: 'fenced', value: 2 },
      { from: 'fenced', to: 'source', value: 1 },
    ])
  })
})

describe('how a migration stands', () => {
  it('is asked for at each scrape, and what is over is gone', async () => {
    const metrics = createMetrics('1')
    let now = described
    metrics.describe(() => now)
    const first = (await scrape(metrics)).samples
    expect(named(first, 'drain_remaining_records')).toEqual([
      { group: 'g', topic: 'orders', value: 1204 },
    ])
    expect(named(first, 'drain_rate_records_per_second')[0]?.value).toBe(410)
    expect(named(first, 'drain_eta_seconds')[0]?.value).toBe(3)
    expect(named(first, 'held_requests')).toEqual([{ api: 'Produce', value: 2 }])
    expect(named(first, 'stragglers_total')).toEqual([
      { topic: 'orders', value: 0 },
      { topic: 'bills', value: 3 },
    ])
    expect(named(first, 'sidecar_acknowledged')).toEqual([{ sidecar: 'app-1', value: 1 }])
    now = {
      drains: [],
      sidecars: [{ name: 'app-1', acknowledged: false }],
      stragglers: [],
      held: [
        { apiKey: 0, count: 0 },
        { apiKey: 11, count: 1 },
      ],
    }
    const { samples } = await scrape(metrics)
    for (const name of ['remaining_records', 'rate_records_per_second', 'eta_seconds']) {
      expect(named(samples, `drain_${name}`)).toEqual([])
    }
    expect(named(samples, 'held_requests')).toEqual([
      { api: 'Produce', value: 0 },
      { api: 'JoinGroup', value: 1 },
    ])
    expect(named(samples, 'sidecar_acknowledged')[0]?.value).toBe(0)
  })

  it('shows nothing for what is not known', async () => {
    const metrics = createMetrics('1')
    metrics.describe(() => ({
      ...described,
      drains: [
        { group: 'a', topic: 't', remaining: 5, ratePerSecond: null, etaSeconds: null },
        { group: 'b', topic: 't', remaining: null, ratePerSecond: 0, etaSeconds: null },
      ],
    }))
    const { samples } = await scrape(metrics)
    expect(named(samples, 'drain_remaining_records')).toEqual([
      { group: 'a', topic: 't', value: 5 },
    ])
    expect(named(samples, 'drain_rate_records_per_second')).toEqual([
      { group: 'b', topic: 't', value: 0 },
    ])
    expect(named(samples, 'drain_eta_seconds')).toEqual([])
  })

  it('counts fences, holds and moves', async () => {
    const metrics = createMetrics('1')
    metrics.fenced(0.2)
    metrics.fenced(8)
    metrics.groupMoved(1.5)
    metrics.observer.requestHeld(0, 0.3)
    metrics.observer.requestHeld(11, 2)
    await scrape(metrics)
    const { samples } = await scrape(metrics)
    expect(named(samples, 'fence_duration_seconds_count')).toEqual([{ value: 2 }])
    expect(named(samples, 'fence_duration_seconds_sum')[0]?.value).toBeCloseTo(8.2)
    expect(named(samples, 'group_moves_total')).toEqual([{ value: 1 }])
    expect(named(samples, 'group_move_duration_seconds_sum')).toEqual([{ value: 1.5 }])
    expect(named(samples, 'hold_duration_seconds_sum')).toEqual([
      { api: 'Produce', value: 0.3 },
      { api: 'JoinGroup', value: 2 },
    ])
    expect(named(samples, 'hold_duration_seconds_bucket')).toContainEqual({
      api: 'Produce',
      le: '0.5',
      value: 1,
    })
  })

  it('of a sidecar that was started again is no transition', async () => {
    const metrics = createMetrics('1')
    metrics.stands('target', 'forward')
    const { samples } = await scrape(metrics)
    expect(named(samples, 'phase').filter(({ value }) => value === 1)).toEqual([
      { phase: 'target', direction: 'forward', value: 1 },
    ])
    expect(named(samples, 'transitions_total')).toEqual([])
  })

  it('has the zeros that an alert needs', async () => {
    const { samples } = await scrape()
    expect(named(samples, 'fence_duration_seconds_count')).toEqual([{ value: 0 }])
    expect(named(samples, 'group_moves_total')).toEqual([{ value: 0 }])
  })
})

describe('docs/metrics.md', () => {
  const doc = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
  const rows = [...doc.matchAll(/^\| `([a-z0-9_]+)` *\| (\w+) *\|/gm)]
  const documented = new Map(rows.map(([, name = '', type = '']) => [name, type]))

  it('names every metric that is emitted, with its type, and no other', async () => {
    const { types } = await scrape()
    expect([...documented].sort()).toEqual([...types].sort())
    expect(rows).toHaveLength(documented.size)
  })
})

describe('the data path', () => {
  it('takes a million requests without allocating for them', () => {
    const { observer } = createMetrics('1')
    const run = (): void => {
      for (let i = 0; i < 1_000_000; i++)
        observer.requestAnswered(i & 63, 'source', (i & 1023) / 1e4)
    }
    run()
    const before = process.memoryUsage().heapUsed
    run()
    // A single object for each would be 16 MB or more; a collection in between only makes it less.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(4_000_000)
  })
})
