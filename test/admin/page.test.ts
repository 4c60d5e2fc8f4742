/** The page's own script, run against a few elements that stand for the browser's. */
import { runInNewContext } from 'node:vm'
import { beforeEach, expect, test } from 'vitest'
import { page } from '../../src/admin/page.ts'
import type { Status } from '../../src/admin/index.ts'
import { aStatus } from './fake-source.ts'

class Element {
  textContent: string | number | null = ''
  children: Element[] = []

  appendChild(child: Element): Element {
    this.children.push(child)
    return child
  }
  replaceChildren(...children: Element[]): void {
    this.children = children
  }
  get cells(): readonly (string | number | null)[] {
    return this.children.map(({ textContent }) => textContent)
  }
}

const script = /<script>(.*)<\/script>/s.exec(page)?.[1] ?? ''
const ids = [...page.matchAll(/ id="(\w+)"/g)].map(([, id]) => id ?? '')
let elements: Map<string, Element>
let tell: (status: Status) => void

beforeEach(() => {
  elements = new Map(ids.map((id) => [id, new Element()]))
  const listeners = new Map<string, (event: { data: string }) => void>()
  class EventSource {
    addEventListener(name: string, listener: (event: { data: string }) => void): void {
      listeners.set(name, listener)
    }
  }
  const document = {
    getElementById: (id: string) => elements.get(id) ?? null,
    createElement: () => new Element(),
  }
  runInNewContext(script, { document, EventSource, setInterval: () => 0, JSON, Math })
  tell = (status) => listeners.get('status')?.({ data: JSON.stringify(status) })
})

const rows = (id: string) => elements.get(id)?.children.map(({ cells }) => cells)

test('shows each group, how far it is, and for how long; what is not known is a dash', () => {
  const group = { group: 'billing', state: 'draining', members: 3 } as const
  const known = { ...group, remaining: 1204, ratePerSecond: 410, etaSeconds: 3 }
  const unknown = { ...group, remaining: null, ratePerSecond: null, etaSeconds: null }
  tell({ ...aStatus, groups: [known, { ...unknown, group: 'audit' }] })
  expect(rows('groups')).toEqual([
    ['billing', 'draining', 3, 1204, 410, '3 s'],
    ['audit', 'draining', 3, '-', '-', '-'],
  ])
})

test('says why the last cutover ended, as long as that is so', () => {
  tell({ ...aStatus, lastAbort: 'the operator aborted it' })
  expect(elements.get('aborted')?.textContent).toBe(
    'The last cutover ended before its splice: the operator aborted it',
  )
  tell(aStatus)
  expect(elements.get('aborted')?.textContent).toBe('')
})
