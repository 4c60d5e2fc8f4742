import {
  LineCounter,
  isCollection,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  parseDocument,
  visit,
} from 'yaml'

/** A step into the file: a key or an index. */
export type Path = readonly (string | number)[]

export interface YamlFile {
  readonly value: unknown
  /** What is not YAML. The library's own messages may quote the file, secrets included: not these. */
  readonly faults: readonly { readonly line: number; readonly what: string }[]
  /** The line of the deepest part of `path` that exists. */
  readonly lineOf: (path: Path) => number
}

export function parseYaml(text: string): YamlFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const lineAt = (offset: number): number => lines.linePos(offset).line
  const faults = document.errors.map(({ code, pos }) => ({
    line: lineAt(pos[0]),
    what: code === 'DUPLICATE_KEY' ? 'a key twice' : `no YAML (${wordsOf(code)})`,
  }))
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return
      faults.push({
        line: lineAt(alias.range?.[0] ?? 0),
        what: 'an alias (*) without its anchor (&)',
      })
    },
  })
  let value: unknown
  try {
    if (faults.length === 0) value = document.toJS()
  } catch {
    // yaml's own bound, against a few lines that would expand to gigabytes.
    faults.push({ line: 1, what: 'too many aliases' })
  }
  return {
    value,
    faults,
    lineOf: (path) => {
      let node: unknown = document.contents
      let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0
      for (const step of path) {
        if (!isCollection(node)) break
        const item: unknown = isMap(node)
          ? node.items.find(({ key }) => isScalar(key) && key.value === step)
          : isSeq(node) && typeof step === 'number'
            ? node.items[step]
            : undefined
        if (item === undefined) break
        const anchor: unknown = isPair(item) ? item.key : item
        if (isNode(anchor)) offset = anchor.range?.[0] ?? offset
        node = isPair(item) ? item.value : item
      }
      return lineAt(offset)
    },
  }
}

const wordsOf = (code: string): string => code.toLowerCase().replaceAll('_', ' ')
