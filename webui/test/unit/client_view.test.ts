import { describe, expect, test } from 'vitest'
import { listQuery } from '@/api/query'
import * as views from '@/pages/clients/list/view'

const tagged: views.ClientView = {
  text: 'web',
  filters: [
    { field: 'tags', values: ['a', 'b'], all: true },
    { field: 'os_family', values: ['debian', 'rhel'] },
  ],
  sort: '-hostname',
}

describe('the list of clients', () => {
  test('a view goes into the address and comes back', () => {
    const address = views.toAddress(tagged)
    expect(address).toEqual({
      q: 'web',
      sort: '-hostname',
      tags: 'a,b',
      'tags.all': '1',
      os_family: 'debian,rhel',
    })
    expect(views.fromAddress(address)).toEqual(tagged)
    expect(views.toAddress(views.fromAddress({}))).toEqual({})
  })

  test('an address that somebody made up does no harm', () => {
    const made = views.fromAddress({ sort: 'password', tags: [' ', 'x'], nope: '1', name: ' , ' })
    expect(made).toEqual(views.emptyView())
  })

  test('it becomes a query of the API', () => {
    expect(listQuery(views.toQuery(tagged))).toEqual({
      'filter[tags]': 'and(a,b)',
      'filter[os_family]': 'debian,rhel',
      'filter[name|hostname|id|ipv4|ipv6|address|tags|labels]': '*web*',
      sort: ['-hostname'],
    })
  })

  test('values of one field join, a field goes as a whole', () => {
    const more = views.withFilter(tagged, { field: 'os_family', values: ['rhel', 'suse'] })
    expect(more.filters[1]).toEqual({ field: 'os_family', values: ['debian', 'rhel', 'suse'] })
    expect(views.withoutFilter(more, 'tags').filters).toHaveLength(1)
    expect(views.withFilter(more, { field: 'name', values: [] })).toBe(more)
  })

  test('the state is exactly one or none', () => {
    const on = views.withOnly(views.emptyView(), 'connection_state', 'connected')
    expect(views.onlyValue(on, 'connection_state')).toBe('connected')
    const off = views.withOnly(on, 'connection_state', 'disconnected')
    expect(off.filters).toEqual([{ field: 'connection_state', values: ['disconnected'] }])
    expect(views.withOnly(off, 'connection_state', '').filters).toEqual([])
    expect(views.chips(off)).toEqual([])
  })
})
