/**
 * The bytes are not the message that they should be. `path` names the field, as in
 * `topics[3].partitions[0].records`; it is empty where a header or a bare value failed.
 */
export class DecodeError extends Error {
  override readonly name: string = 'DecodeError'
  readonly path: string
  readonly reason: string

  constructor(reason: string, path = '') {
    super(path === '' ? reason : `${path}: ${reason}`)
    this.reason = reason
    this.path = path
  }
}

/**
 * A value does not fit its message: a number out of range, null where null is not allowed, or a
 * field that the version lacks and that Kafka does not let us drop (`ignorable`).
 */
export class EncodeError extends Error {
  override readonly name: string = 'EncodeError'
  readonly path: string
  readonly reason: string

  constructor(reason: string, path = '') {
    super(path === '' ? reason : `${path}: ${reason}`)
    this.reason = reason
    this.path = path
  }
}

const joined = (outer: string, inner: string): string =>
  inner === '' || inner.startsWith('[') ? outer + inner : `${outer}.${inner}`

/** The same error, seen from one level further out: `outer` is a field name or `[index]`. */
export function located(error: unknown, outer: string): unknown {
  if (error instanceof DecodeError) return new DecodeError(error.reason, joined(outer, error.path))
  if (error instanceof EncodeError) return new EncodeError(error.reason, joined(outer, error.path))
  return error
}
