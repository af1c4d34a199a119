import { describe, expect, it } from 'vitest'
import { listQuery, queryText } from '@/api/query'
import { fillPath } from '@/api/client'

describe('listQuery', () => {
  it('writes filters in the language of the API', () => {
    expect(
      listQuery({
        filters: [
          { field: 'os_kernel', values: ['linux', 'windows'] },
          { field: ['name', 'hostname'], values: ['*web*'] },
          { field: 'tags', values: ['a', 'b'], all: true },
          { field: 'started_at', op: 'since', values: ['2026-01-01'] },
        ],
        sort: ['-name'],
        fields: { clients: ['id', 'name'] },
        limit: 50,
        offset: 100,
      }),
    ).toEqual({
      'filter[os_kernel]': 'linux,windows',
      'filter[name|hostname]': '*web*',
      'filter[tags]': 'and(a,b)',
      'filter[started_at][since]': '2026-01-01',
      sort: ['-name'],
      'fields[clients]': 'id,name',
      'page[limit]': 50,
      'page[offset]': 100,
    })
  })

  it('leaves out filters without values and cannot let a comma split a value', () => {
    expect(listQuery({ filters: [{ field: 'id', values: [] }] })).toEqual({})
    expect(listQuery({ filters: [{ field: 'name', values: [' a,b '] }] })).toEqual({
      'filter[name]': 'a*b',
    })
  })

  it('keeps several filters of the same key', () => {
    const same = { field: 'tags', values: ['x'] }
    const query = listQuery({
      filters: [same, { ...same, values: ['y'] }, { ...same, values: ['z'] }],
    })
    expect(query).toEqual({ 'filter[tags]': ['x', 'y', 'z'] })
  })
})

describe('queryText', () => {
  it('encodes and repeats', () => {
    expect(queryText({ sort: ['-a', 'b'], 'filter[x]': 'c&d=é', none: undefined })).toBe(
      '?sort=-a&sort=b&filter%5Bx%5D=c%26d%3D%C3%A9',
    )
    expect(queryText({})).toBe('')
  })
})

describe('fillPath', () => {
  it('encodes what stands in a path', () => {
    expect(fillPath('/clients/{client_id}/tunnels/{id}', { client_id: 'a/../b ?', id: 3 })).toBe(
      '/clients/a%2F..%2Fb%20%3F/tunnels/3',
    )
    expect(() => fillPath('/clients/{client_id}')).toThrow('client_id')
  })
})
