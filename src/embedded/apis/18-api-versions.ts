import { apis, errorCodes } from '../../protocol/index.ts'
import { handler } from '../handler.ts'

/**
 * ApiVersions, versions 0-4. An unknown version is answered in v0 with UNSUPPORTED_VERSION and the
 * range of this API alone (KIP-511): see `connection.ts`. No features are offered: above all not
 * `transaction.version`.
 */
export const apiVersions = handler(apis.apiVersions, { min: 0, max: 4 }, (request, call) => {
  const { clientSoftwareName, clientSoftwareVersion } = request
  if (call.apiVersion >= 3 && !isName(clientSoftwareName, clientSoftwareVersion))
    return { errorCode: errorCodes.INVALID_REQUEST, apiKeys: [] }
  return {
    errorCode: errorCodes.NONE,
    apiKeys: [...call.shared.versions].map(([apiKey, { min, max }]) => ({
      apiKey,
      minVersion: min,
      maxVersion: max,
    })),
  }
})

const isName = (...texts: readonly string[]): boolean =>
  texts.every((text) => /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/.test(text))
