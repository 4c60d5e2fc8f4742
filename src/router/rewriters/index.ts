import { apis } from '../../protocol/index.ts'
import { rewriteProduce } from './00-produce.ts'
import { rewriteMetadata } from './03-metadata.ts'
import { rewriteFindCoordinator } from './10-find-coordinator.ts'
import { rewriteDescribeConfigs } from './32-describe-configs.ts'
import { rewriteDescribeCluster } from './60-describe-cluster.ts'
import { rewriteShareAcknowledge, rewriteShareFetch } from './78-share.ts'
import type { Rewriter } from './rewriter.ts'

/** The answers that name a broker's address; all others pass as they are. */
export const rewriters: ReadonlyMap<number, Rewriter> = new Map([
  [apis.produce.key, rewriteProduce],
  [apis.metadata.key, rewriteMetadata],
  [apis.findCoordinator.key, rewriteFindCoordinator],
  [apis.describeConfigs.key, rewriteDescribeConfigs],
  [apis.describeCluster.key, rewriteDescribeCluster],
  [apis.shareFetch.key, rewriteShareFetch],
  [apis.shareAcknowledge.key, rewriteShareAcknowledge],
])
