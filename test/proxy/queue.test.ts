import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Queue } from '../../src/proxy/queue.ts'

describe('a queue', () => {
  it('is an array that is pushed at one end and shifted at the other', () => {
    const steps = fc.array(fc.option(fc.integer()), { maxLength: 200 })
    fc.assert(
      fc.property(steps, (items) => {
        const queue = new Queue<number>()
        const model: number[] = []
        for (const item of items) {
          if (item === null) expect(queue.shift()).toBe(model.shift())
          else {
            queue.push(item)
            model.push(item)
          }
          expect([queue.length, queue.first, queue.second]).toEqual([
            model.length,
            model[0],
            model[1],
          ])
          expect([...queue]).toEqual(model)
        }
      }),
    )
  })

  it('shows nothing that has left', () => {
    const queue = new Queue<object>()
    for (let i = 0; i < 5; i++) queue.push({})
    for (let i = 0; i < 5; i++) queue.shift()
    expect([queue.length, queue.first, queue.second]).toEqual([0, undefined, undefined])
  })
})
