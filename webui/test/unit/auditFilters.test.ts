import { expect, test } from 'vitest'
import { listQuery } from '@/api/query'
import { auditFilters, readable } from '@/pages/audit/auditFilters'

const now = new Date('2026-03-01T12:00:00Z')

test('values of one field are alternatives, fields add up, the period becomes a time', () => {
  const filters = auditFilters(
    [
      { field: 'username', text: 'ann' },
      { field: 'action', text: 'delete' },
      { field: 'username', text: 'bob*' },
    ],
    'day',
    now,
  )
  expect(listQuery({ filters })).toEqual({
    'filter[username]': 'ann,bob*',
    'filter[action]': 'delete',
    'filter[timestamp][since]': '2026-02-28T12:00:00.000Z',
  })
  expect(auditFilters([], 'all', now)).toEqual([])
})

test('JSON is put on lines, anything else stays', () => {
  expect(readable('{"a":1}')).toBe('{\n  "a": 1\n}')
  expect(readable('{"a":')).toBe('{"a":')
  expect(readable('')).toBe('')
})
