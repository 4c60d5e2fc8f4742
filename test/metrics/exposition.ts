/** A small reader of Prometheus' text format, written from its specification and not from prom-client. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Exposition {
  readonly types: ReadonlyMap<string, string>
  readonly samples: readonly Sample[]
}

const line = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/

export function parseExposition(text: string): Exposition {
  const types = new Map<string, string>()
  const samples: Sample[] = []
  for (const each of text.split('\n')) {
    if (each === '' || each.startsWith('# HELP ')) continue
    if (each.startsWith('# TYPE ')) {
      const [name = '', type = ''] = each.slice('# TYPE '.length).split(' ')
      if (types.has(name)) throw new Error(`declared twice: ${name}`)
      types.set(name, type)
      continue
    }
    const [, name, labels = '', value = ''] = line.exec(each) ?? []
    if (name === undefined) throw new Error(`no sample: ${each}`)
    samples.push({ name, labels: parseLabels(labels), value: parseValue(value) })
  }
  return { types, samples }
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  const rest = text.replaceAll(
    /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?/g,
    (_, name: string, value: string) => {
      labels[name] = value
      return ''
    },
  )
  if (rest !== '') throw new Error(`no labels: ${text}`)
  return labels
}

function parseValue(text: string): number {
  const value = text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text)
  if (Number.isNaN(value) && text !== 'NaN') throw new Error(`no number: ${text}`)
  return value
}
