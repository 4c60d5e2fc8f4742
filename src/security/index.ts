/**
 * Security: who may speak, and how it is proved and kept secret on the way. Mechanisms only, without
 * sockets: the proxy moves the tokens, the configuration brings the secrets.
 */
export { localUsers, localUsersMax, type LocalUsers } from './local-users.ts'
export {
  isSaslMechanism,
  saslMechanisms,
  saslTokenBytesMax,
  type Credentials,
  type SaslMechanism,
} from './sasl.ts'
export { saslClient, type SaslClient, type SaslClientStep } from './sasl-client.ts'
export {
  parsePlain,
  refusalText,
  saslServer,
  type PlainToken,
  type SaslServer,
  type SaslServerStep,
} from './sasl-server.ts'
export { sniffBytes, sniffFirstBytes, sniffRemedies, type SniffedProtocol } from './sniff.ts'
export { explainTls } from './tls-errors.ts'
export { listenerTlsOptions, upstreamTlsOptions, type ClusterTls, type ListenerTls } from './tls.ts'
