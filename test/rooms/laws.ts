/** The laws of the rooms (design, section 7), as a function from source files to what breaks them. */
import { dirname, join, normalize } from 'node:path/posix'
import ts from 'typescript'

export interface SourceFile {
  /** Relative to `src`, with slashes. */
  readonly path: string
  readonly text: string
}

export interface Laws {
  /** Each room, and the rooms that it may import. */
  readonly mayImport: Readonly<Record<string, readonly string[]>>
  /** Files beside the rooms that every room may import. */
  readonly groundStones: readonly string[]
  /** Third-party packages, and the rooms or files that may import them. */
  readonly doors: Readonly<Record<string, readonly string[]>>
  /** Rooms that know no socket, file, clock, randomness or logger. */
  readonly pure: readonly string[]
  /** Of Node's modules those that only compute. */
  readonly pureModules: readonly string[]
}

export function breaches(files: readonly SourceFile[], laws: Laws): readonly string[] {
  return files.flatMap((file) => {
    const parsed = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true)
    const place = placeOf(file.path)
    const imports = ts.preProcessFile(file.text, true, true).importedFiles
    const found = imports.flatMap(({ fileName }) => importBreach(file.path, fileName, laws) ?? [])
    const impure = laws.pure.includes(place) ? impurities(parsed) : []
    const unknown = file.path.includes('/') && laws.mayImport[place] === undefined
    return [
      ...found,
      ...impure.map((name) => `${file.path}: ${place} is pure, but uses ${name}`),
      ...(unknown ? [`${file.path}: ${place} is no room of the design`] : []),
    ]
  })
}

/** The room of a file, or its name if it stands beside the rooms. */
function placeOf(path: string): string {
  return path.split('/')[0] ?? path
}

function importBreach(from: string, specifier: string, laws: Laws): string | undefined {
  const place = placeOf(from)
  if (specifier.startsWith('node:')) {
    const allowed = !laws.pure.includes(place) || laws.pureModules.includes(specifier)
    return allowed ? undefined : `${from}: ${place} is pure, but imports ${specifier}`
  }
  if (!specifier.startsWith('.')) {
    const name = packageOf(specifier)
    const doors = laws.doors[name]
    if (doors === undefined) return `${from}: ${name} has no door`
    return doors.includes(place)
      ? undefined
      : `${from}: ${name} has its door in ${doors.join(', ')}`
  }
  const to = normalize(join(dirname(from), specifier))
  if (placeOf(to) === place) return undefined
  const isRoot = !to.includes('/')
  const fromRoot = !from.includes('/')
  if (isRoot) {
    if (laws.groundStones.includes(to)) {
      const logs = to === 'log.ts' && laws.pure.includes(place)
      return logs ? `${from}: ${place} is pure, but imports the logger` : undefined
    }
    // The composition root knows everybody, and nobody knows it.
    return fromRoot && !laws.groundStones.includes(from)
      ? undefined
      : `${from}: imports ${to}, which is composed of the rooms`
  }
  if (to !== `${placeOf(to)}/index.ts`)
    return `${from}: enters ${to} by the window; there is index.ts`
  if (laws.groundStones.includes(from))
    return `${from}: a ground stone imports a room, ${placeOf(to)}`
  if (fromRoot || laws.mayImport[place]?.includes(placeOf(to)) === true) return undefined
  return `${from}: ${place} may not import ${placeOf(to)}`
}

/** `@hono/node-server/conninfo` and `zod/v4/core` belong to `@hono/node-server` and `zod`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

const impureGlobals = new Set([
  ...['Date', 'performance', 'process', 'console', 'crypto', 'require'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'],
])

/** Clocks, randomness, timers and the process, by any name that the language gives them. */
function impurities(file: ts.SourceFile): readonly string[] {
  const found = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node) && impureGlobals.has(node.text) && isReference(node)) {
      found.add(node.text)
    }
    if (
      ts.isPropertyAccessExpression(node) &&
      node.name.text === 'random' &&
      node.expression.getText(file) === 'Math'
    ) {
      found.add('Math.random')
    }
    // A variable may well be called fetch here: it is Kafka's word.
    if (ts.isCallExpression(node) && node.expression.getText(file) === 'fetch') found.add('fetch()')
    ts.forEachChild(node, visit)
  }
  visit(file)
  return [...found]
}

/** Not the name of a property, a key or a type's member that merely reads the same. */
function isReference(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node
  if (ts.isQualifiedName(parent)) return parent.left === node
  const declares =
    ts.isPropertySignature(parent) ||
    ts.isPropertyDeclaration(parent) ||
    ts.isMethodDeclaration(parent) ||
    ts.isMethodSignature(parent)
  return !declares
}
