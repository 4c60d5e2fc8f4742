import type { ClusterName } from '../../ids.ts'
import { apis, errorCodes, type DescribeLogDirsResponse } from '../../protocol/index.ts'
import { bodyOf, throttle } from '../decision.ts'
import { homeOf, type RoutingTable } from '../table.ts'
import { byCluster, nameIn, shownNames, visibleNames } from './by-cluster.ts'
import {
  clusterOfTopic,
  firstError,
  isSourceOff,
  translated,
  type Translation,
} from './translation.ts'

type LogDir = DescribeLogDirsResponse['results'][number]

/** AlterReplicaLogDirs (KIP-113): each topic at that home of the virtual broker which has it. */
export const translateAlterReplicaLogDirs: Translation = (table, request) => {
  const api = apis.alterReplicaLogDirs
  const asked = bodyOf(api, request)
  return byCluster(table, request, {
    api,
    items: asked.dirs.flatMap(({ path, topics }) => topics.map((topic) => ({ path, topic }))),
    to: ({ topic }) => homeOf(clusterOfTopic(table, topic.name)),
    native: ({ path, topic }, cluster) => ({
      path,
      topic: { ...topic, name: nameIn(table, cluster, topic.name) },
    }),
    body: (items) => ({
      dirs: [...Map.groupBy(items, ({ path }) => path)].map(([path, mine]) => ({
        path,
        topics: mine.map(({ topic }) => topic),
      })),
    }),
    refused: {
      topic: ({ topic }) => topic.name,
      answer: (items) => ({
        throttleTimeMs: 0,
        results: items.map(({ topic }) => ({
          topicName: topic.name,
          partitions: topic.partitions.map((partitionIndex) => ({
            partitionIndex,
            errorCode: errorCodes.INVALID_REQUEST,
          })),
        })),
      }),
    },
    show: (answers, now) => {
      const shown = shownNames(now)
      return {
        throttleTimeMs: throttle(answers.map(({ answer }) => answer)),
        results: answers.flatMap(({ cluster, answer }) =>
          answer.results.map((result) => ({
            ...result,
            topicName: shown(cluster, result.topicName),
          })),
        ),
      }
    },
  })
}

/**
 * DescribeLogDirs, every version: the directories of the virtual broker's home, and in them each topic that
 * the same cluster has. Topics that the other cluster has are told by the other home, in its directories.
 */
export const translateDescribeLogDirs: Translation = (table, request) => {
  const { view } = table
  if (!view.spliced) return undefined
  const api = apis.describeLogDirs
  const asked = bodyOf(api, request)
  const topicsIn = (cluster: ClusterName) =>
    asked.topics
      ?.filter(({ topic }) => clusterOfTopic(table, topic) === cluster)
      .map((each) => ({ ...each, topic: nameIn(table, cluster, each.topic) })) ?? null
  const other: ClusterName = view.home === 'source' ? 'target' : 'source'
  const isOtherAsked = !isSourceOff(view) && topicsIn(other)?.length !== 0
  const clusters = isOtherAsked ? [view.home, other] : [view.home]
  const parts = clusters.map((cluster) => ({
    to: homeOf(cluster),
    body: { topics: topicsIn(cluster) },
  }))
  return translated(api, request, parts, (answers, now) => ({
    throttleTimeMs: throttle(answers),
    errorCode: firstError(answers),
    results: joined(
      answers.flatMap(({ results }, i) => {
        const cluster = clusters[i] ?? view.home
        const shown = results.map((result) => showLogDir(now, cluster, result))
        return cluster === view.home ? shown : shown.filter(({ topics }) => topics.length > 0)
      }),
    ),
  }))
}

/** Without what clients do not know: other topics, and partitions that only the target has. */
function showLogDir(table: RoutingTable, cluster: ClusterName, logDir: LogDir): LogDir {
  const visible = visibleNames(table)
  return {
    ...logDir,
    topics: logDir.topics.flatMap((topic) => {
      const name = visible(cluster, topic.name)
      if (name === undefined) return []
      const count = table.view.topics.get(name)?.timelines.length ?? Infinity
      const partitions = topic.partitions.filter(({ partitionIndex }) => partitionIndex < count)
      return [{ ...topic, name, partitions }]
    }),
  }
}

/** Directories of one path are one to clients; how large it is the first one says. */
function joined(logDirs: readonly LogDir[]): LogDir[] {
  const byPath = new Map<string, LogDir>()
  for (const logDir of logDirs) {
    const before = byPath.get(logDir.logDir)
    byPath.set(
      logDir.logDir,
      before === undefined ? logDir : { ...before, topics: [...before.topics, ...logDir.topics] },
    )
  }
  return [...byPath.values()]
}
