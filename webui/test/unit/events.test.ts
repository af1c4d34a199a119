import { describe, expect, it } from 'vitest'
import { backOff, parseEvent } from '@/api/events'

describe('parseEvent', () => {
  it('takes events and nothing else', () => {
    expect(parseEvent('{"type":"client","action":"connected","id":"a"}')).toEqual({
      type: 'client',
      action: 'connected',
      id: 'a',
    })
    for (const text of [
      '',
      'x',
      '7',
      'null',
      '[]',
      '{}',
      '{"type":7}',
      `{"type":"${'x'.repeat(10_000)}"}`,
    ])
      expect(parseEvent(text)).toBeUndefined()
    expect(parseEvent(new ArrayBuffer(4))).toBeUndefined()
  })
})

describe('backOff', () => {
  it('grows up to half a minute and is never the same for all', () => {
    expect([0, 1, 2].map((n) => backOff(n, 1))).toEqual([1000, 2000, 4000])
    expect(backOff(0, 0)).toBe(500)
    expect(backOff(50, 1)).toBe(30_000)
  })
})
