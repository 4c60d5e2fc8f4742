import type { Finding } from '../check.ts'
import type { FileShape } from '../schema.ts'
import type { Path } from '../yaml.ts'

export interface Ruled {
  readonly shape: FileShape
  /** Whether something at or below the path, or above it, was refused already. */
  readonly refused: (path: Path) => boolean
}

export type Rule = (ruled: Ruled) => readonly Finding[]
