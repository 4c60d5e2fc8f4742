import { expect, test } from 'vitest'
import { Screen, sceneLines } from '../../src/demo/display.ts'
import { Ledger } from '../../src/demo/index.ts'

const scene = {
  seconds: 65,
  bootstrap: '127.0.0.1:9092',
  adminUrl: 'http://127.0.0.1:9600',
  books: new Ledger(['billing', 'audit']).books,
  sentPerSecond: 10,
  status: undefined,
  sourceIsUp: true,
  events: Array.from({ length: 40 }, (_, index) => `event ${index}`),
}

test('what is written over fits a small terminal, the latest events last', () => {
  const lines = sceneLines(scene)
  expect(lines[0]).toContain('01:05')
  // Beside these lines there are those of the virtual brokers, which a status tells of.
  expect(lines.length).toBeLessThan(20)
  expect(lines.at(-1)?.trim()).toBe('event 39')
})

test('a terminal shows lines in place of the former ones, none longer than it is wide', () => {
  let written = ''
  const screen = new Screen({ isTTY: true, write: (text) => void (written += text), columns: 30 })
  screen.show(['a', 'b'.repeat(50)])
  written = ''
  screen.show(['c', 'd'.repeat(50), '\x1b[31mred'])
  expect(written).toBe(`\x1b[2A\x1b[Jc\n${'d'.repeat(29)}\nred\n`)
  written = ''
  screen.say('this stays')
  screen.show(['e'])
  expect(written).toBe('this stays\n\x1b[Je\n')
})
