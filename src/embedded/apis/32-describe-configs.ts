import { apis, errorCodes, type DescribeConfigsRequest } from '../../protocol/index.ts'
import { configuredResource, resourceTypes, type ConfiguredResource } from '../configs.ts'
import { handler } from '../handler.ts'
import type { Call } from '../shared.ts'

/**
 * DescribeConfigs, versions 0-4, of topics and of brokers. v1: where each value comes from, and what it
 * stands before. v3: types.
 *
 * Of a broker only what was set is shown. Not handled: documentation, broker loggers, groups.
 */
export const describeConfigs = handler(
  apis.describeConfigs,
  { min: 0, max: 4 },
  (request, call) => ({
    throttleTimeMs: 0,
    results: request.resources.map((asked) => describe(call, request, asked)),
  }),
)

/** ConfigSource and ConfigType of Kafka's admin client. */
const sources = { topic: 1, dynamicBroker: 2, default: 5 } as const
const types = { string: 2, int: 3, list: 7 } as const

type Asked = DescribeConfigsRequest['resources'][number]

function describe(call: Call, request: DescribeConfigsRequest, asked: Asked) {
  const { resourceType, resourceName, configurationKeys: keys } = asked
  const resource = configuredResource(call.shared, resourceType, resourceName)
  if (resource.kind === 'refused') {
    const { errorCode, message: errorMessage } = resource
    return { resourceType, resourceName, errorCode, errorMessage, configs: [] }
  }
  const names = [...new Set([...Object.keys(resource.defaults), ...resource.set.keys()])]
  return {
    resourceType,
    resourceName,
    errorCode: errorCodes.NONE,
    errorMessage: null,
    configs: names
      .filter((name) => keys === null || keys.length === 0 || keys.includes(name))
      .map((name) => shown(call, request, resource, resourceType, name)),
  }
}

function shown(
  { apiVersion }: Call,
  { includeSynonyms }: DescribeConfigsRequest,
  { set, defaults }: ConfiguredResource,
  resourceType: number,
  name: string,
) {
  const own = set.get(name)
  const standard = defaults[name]
  const value = own ?? standard ?? ''
  const ownSource = resourceType === resourceTypes.topic ? sources.topic : sources.dynamicBroker
  const configSource = own === undefined ? sources.default : ownSource
  const synonyms = [
    ...(own === undefined ? [] : [{ name, value: own, source: ownSource }]),
    ...(standard === undefined ? [] : [{ name, value: standard, source: sources.default }]),
  ]
  return {
    name,
    value,
    readOnly: false,
    isSensitive: false,
    configType:
      name === 'cleanup.policy' ? types.list : /^-?\d+$/.test(value) ? types.int : types.string,
    documentation: null,
    ...(apiVersion === 0 ? { isDefault: own === undefined } : { configSource }),
    ...(includeSynonyms && apiVersion >= 1 ? { synonyms } : {}),
  }
}
