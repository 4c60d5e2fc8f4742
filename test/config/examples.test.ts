import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseDocument } from 'yaml'
import { allKeys } from '../../src/config/keys.ts'
import { loadConfig } from '../../src/config/index.ts'
import { configOf } from './load.ts'

const folder = new URL('../../config/', import.meta.url)
const examples = readdirSync(folder).filter((name) => /^(sidecar|ckafka).*\.yaml$/.test(name))
const pem = (name: string): string => readFileSync(new URL(`pem/${name}`, import.meta.url), 'utf8')

/** The examples name certificates and secrets that nobody has: each is given one. */
function readFile(path: string): string {
  const name = basename(path)
  if (name === 'app.key') return pem('encrypted.key')
  if (name.endsWith('.key')) return pem('server.key')
  if (name.endsWith('.pem')) return pem('server.pem')
  return path.includes('secrets/') ? 'secret' : readFileSync(path, 'utf8')
}

async function load(example: string) {
  const env = {
    SOURCE_KEY_PASSPHRASE: 'fixture',
    TARGET_KEY_PASSPHRASE: 'fixture',
    SOURCE_PASSWORD: 'x',
    LISTEN_PASSWORD: 'x',
    CKAFKA_PASSWORD: 'x',
    ADMIN_TOKEN: 'x',
  }
  const file = new URL(example, folder).pathname
  const loaded = await loadConfig({ file, flags: {}, env, readFile })
  if (!loaded.ok) throw new Error(loaded.errors.map(({ text }) => text).join('\n'))
  return loaded.config
}

describe('the example configurations', () => {
  it('are these', () => {
    expect(examples.sort()).toEqual(['ckafka-sasl.yaml', 'sidecar-full.yaml', 'sidecar.yaml'])
  })

  it.each(examples)('%s is valid', async (example) => {
    expect((await load(example)).source.bootstrapServers.length).toBeGreaterThan(0)
  })
})

describe('sidecar-full.yaml', () => {
  const text = readFileSync(new URL('sidecar-full.yaml', folder), 'utf8')

  it('names every key', () => {
    const document = parseDocument(text)
    const missing = allKeys().filter((key) => {
      // Of a list, one item that has the key is enough.
      const [list = '', inItem] = key.split('[].')
      if (inItem === undefined) return !document.hasIn(key.split('.'))
      return ![0, 1, 2].some((i) => document.hasIn([...list.split('.'), i, ...inItem.split('.')]))
    })
    expect(missing).toEqual([])
    expect(allKeys()).toContain('cutover.topics[].carry')
    expect(allKeys().length).toBeGreaterThan(50)
  })

  it('says why, on the line of every key that is not a section', () => {
    const bare = text
      .split('\n')
      .filter((line) => /^ *[a-zA-Z]+: \S/.test(line) && !line.includes('#'))
      .map((line) => line.trim().split(':')[0])
    // What the comment of the section above says already.
    const explained = ['cert', 'key', 'passphrase', 'serverName', 'ca', 'mechanism', 'username']
    expect(bare.filter((key) => ![...explained, 'password', 'target'].includes(key ?? ''))).toEqual(
      ['port'],
    )
  })

  it('shows the defaults', async () => {
    const full = await load('sidecar-full.yaml')
    const defaults = await configOf({ flags: { source: 'a:1' } })
    expect(full.limits).toEqual(defaults.limits)
    expect(full.log).toEqual(defaults.log)
    expect({ ...full.admin, token: null }).toEqual(defaults.admin)
    expect({ ...full.listen, tls: null, sasl: null }).toEqual(defaults.listen)
    const { mode, fenceDeadlineMs, carry, seal } = full.cutover
    expect(defaults.cutover).toMatchObject({ mode, fenceDeadlineMs, carry, seal })
  })
})
