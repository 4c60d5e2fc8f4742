/** What we know of an upstream cluster: topology, versions, virtual brokers. Pure. */
export {
  emptyTopology,
  learnMetadata,
  type Broker,
  type MetadataScope,
  type Partition,
  type Topic,
  type Topology,
} from './topology.ts'
export { intersect, type VersionRange, type VersionRanges } from './versions.ts'
export { growVirtualBrokers, type VirtualBroker } from './virtual-brokers.ts'
