import { describe, expect, it } from 'vitest'
import {
  bytes,
  dateTime,
  duration,
  number,
  parseTime,
  percent,
  relative,
} from '@/composables/format'

describe('numbers', () => {
  it('writes sizes', () => {
    expect([0, 999, 1000, 1234567, 999_950, 5e12, 1e20].map((n) => bytes(n))).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '1.2 MB',
      '1.0 MB',
      '5.0 TB',
      '100000 PB',
    ])
    expect([bytes(null), bytes(-1), bytes(Number.NaN)]).toEqual(['–', '–', '–'])
  })
  it('writes numbers and shares', () => {
    expect([number(1234567), number(undefined)]).toEqual(['1,234,567', '–'])
    expect([percent(3.14), percent(99.6), percent(null)]).toEqual(['3.1 %', '100 %', '–'])
  })
})

describe('times', () => {
  it('writes durations in two units', () => {
    expect([0, 59, 60, 61, 3600, 7500, 86_400, 280_000, -5].map(duration)).toEqual([
      '0 s',
      '59 s',
      '1 min',
      '1 min 1 s',
      '1 h',
      '2 h 5 min',
      '1 day',
      '3 days 5 h',
      '0 s',
    ])
  })
  it('knows the zero time of the API', () => {
    expect(parseTime('0001-01-01T00:00:00Z')).toBeUndefined()
    expect(parseTime(null)).toBeUndefined()
    expect(parseTime('soon')).toBeUndefined()
    expect(parseTime('2026-11-28T10:00:00.123456789Z')?.getTime()).toBe(1795860000123)
    expect(dateTime(undefined)).toBe('–')
  })
  it('writes distances', () => {
    const now = Date.UTC(2026, 10, 28, 12)
    const at = (seconds: number) => relative(new Date(now + seconds * 1000), now)
    expect([-3, -45, -300, -7200, -86_400 * 3, 300, 7200].map(at)).toEqual([
      'just now',
      '45 s ago',
      '5 min ago',
      '2 h ago',
      '3 days ago',
      'in 5 min',
      'in 2 h',
    ])
    expect(at(-86_400 * 60)).toMatch(/2026/)
  })
})
