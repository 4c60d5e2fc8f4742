import * as z from 'zod'
import { fileSchema } from './schema.ts'
import type { Path } from './yaml.ts'

/** The keys that the file may have below a path. */
export function knownKeys(path: Path): readonly string[] {
  let schema: z.core.$ZodType | undefined = fileSchema
  for (const step of path) {
    const inner = unwrapped(schema)
    if (inner instanceof z.core.$ZodObject) schema = inner._zod.def.shape[String(step)]
    else if (inner instanceof z.core.$ZodArray) schema = inner._zod.def.element
    else return []
  }
  const inner = unwrapped(schema)
  return inner instanceof z.core.$ZodObject ? Object.keys(inner._zod.def.shape) : []
}

/** Every key of the file, as `a.b` and `a.b[].c`: sections and leaves. */
export function allKeys(path: Path = []): readonly string[] {
  return knownKeys(path).flatMap((key) => {
    const here = [...path, key]
    const below = allKeys(here)
    const items = allKeys([...here, 0])
    return [keyText(here), ...below, ...items]
  })
}

const keyText = (path: Path): string =>
  path.map((step, i) => (typeof step === 'number' ? '[]' : i === 0 ? step : `.${step}`)).join('')

function unwrapped(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  let inner = schema
  for (;;) {
    if (inner instanceof z.core.$ZodOptional) inner = inner._zod.def.innerType
    else if (inner instanceof z.core.$ZodPipe) inner = inner._zod.def.out
    else return inner
  }
}
