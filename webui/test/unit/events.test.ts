import { describe, expect, it } from 'vitest'
import { parseEvent } from '@/api/events'

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
