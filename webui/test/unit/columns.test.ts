import { describe, expect, it } from 'vitest'
import { ariaSort, layout, nextSort } from '@/components/table/columns'

describe('columns', () => {
  it('turns the sort round', () => {
    expect([undefined, 'name', '-name', 'id'].map((s) => nextSort(s, 'name'))).toEqual([
      'name',
      '-name',
      'name',
      'name',
    ])
    expect([ariaSort('name', 'name'), ariaSort('-name', 'name'), ariaSort('id', 'name')]).toEqual([
      'ascending',
      'descending',
      'none',
    ])
    expect(ariaSort('name', undefined)).toBeUndefined()
  })

  it('gives all rows the same tracks', () => {
    const columns = [
      { key: 'a', label: 'A', width: 10, grow: 2 },
      { key: 'b', label: 'B', width: 4, grow: 0 },
    ]
    expect(layout(columns, false)).toEqual({
      '--tracks': 'minmax(10rem, 2fr) 4rem',
      '--least': '16.75rem',
    })
    expect(layout(columns, true)['--tracks']).toBe('2rem minmax(10rem, 2fr) 4rem')
  })
})
