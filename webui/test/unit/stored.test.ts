import { describe, expect, test } from 'vitest'
import { listQuery } from '@/api/query'
import { storedFilters, thenByName } from '@/pages/tunnels/stored'

describe('lists of stored tunnels', () => {
  test('a word is looked for in all columns of words', () => {
    expect(listQuery({ filters: storedFilters(' ro, ', '', false) })).toEqual({
      'filter[name|scheme|remote_ip|remote_port]': '*ro**',
    })
  })
  test('of all clients also in their names, and by their state', () => {
    expect(listQuery({ filters: storedFilters('shop', 'connected', true) })).toEqual({
      'filter[client_name|name|scheme|remote_ip|remote_port]': '*shop*',
      'filter[connection_state]': 'connected',
    })
    expect(storedFilters(' ', '', true)).toEqual([])
  })
  test('what is alike is in the order of its name', () => {
    const sorts = ['name', '-name', 'client_name', '-client_name', '-scheme']
    expect(sorts.map((sort) => thenByName({ sort: [sort] }).sort)).toEqual([
      ['name'],
      ['-name'],
      ['client_name', 'name'],
      ['-client_name', 'name'],
      ['-scheme', 'name'],
    ])
  })
})
