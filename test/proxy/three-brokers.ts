import { expect } from 'vitest'
import {
  startEmbeddedCluster,
  type EmbeddedCluster,
  type EmbeddedClusterOptions,
} from '../../src/embedded/index.ts'
import { until } from '../kafka/ports.ts'
import type { Client } from './client.ts'
import { partitions, stored, type Question } from './questions.ts'

/** Three brokers and `orders`, of whose partitions p is led by broker p mod 3 + 1. */
export async function startThreeBrokers(
  options: EmbeddedClusterOptions = {},
): Promise<EmbeddedCluster> {
  const cluster = await startEmbeddedCluster({
    brokers: 3,
    topics: [{ name: 'orders', partitions: partitions.length }],
    ...options,
  })
  for (const p of partitions) cluster.moveLeader('orders', p, (p % 3) + 1)
  return cluster
}

/** Takes an answer to each question, in their order, and no more. */
export async function expectAnswers(client: Client, asked: readonly Question[]): Promise<void> {
  for (const each of asked) {
    if (each.isAnswered) each.check(await client.next())
  }
  expect(client.frames).toEqual([])
}

/** That each partition holds what the questions write to it, once, in their order. */
export async function expectWritten(
  cluster: EmbeddedCluster,
  asked: readonly Question[],
): Promise<void> {
  const values = new Set(asked.map(({ writes }) => writes?.value))
  for (const partition of partitions) {
    const wanted = asked.flatMap(({ writes }) =>
      writes?.partitions.includes(partition) === true ? [writes.value] : [],
    )
    const found = (): string[] => stored(cluster, partition).filter((value) => values.has(value))
    // What asks for no answer (acks=0) may still be on its way.
    await until(() => found().length >= wanted.length, 2_000, 5)
    expect(found()).toEqual(wanted)
  }
}
