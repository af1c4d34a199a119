import { beforeEach, expect, test } from 'vitest'
import { effectScope, ref } from 'vue'
import type { Query } from '@/api/query'
import { usePagedList, type ListStart } from '@/composables/usePagedList'

let total: number
let asked: Query[]
beforeEach(() => {
  total = 7
  asked = []
})

/** Rows are their numbers. */
function ask(query: Query) {
  asked.push(query)
  const [limit, offset] = [Number(query['page[limit]']), Number(query['page[offset]'])]
  const data = Array.from({ length: total }, (_, i) => i).slice(offset, offset + limit)
  return Promise.resolve({ data, meta: { count: total } })
}
async function start(options: Partial<ListStart> = {}) {
  const list = effectScope().run(() => usePagedList(ask, { sort: 'name', limit: 3, ...options }))
  if (!list) throw new Error('no scope')
  await settled()
  return list
}
/** Watchers have run and answers are there: a turn of the loop comes after all of them. */
const settled = () => new Promise((resolve) => setTimeout(resolve))

test('a page is asked for in the words of the API; turning asks for the next', async () => {
  const list = await start({ fields: { things: ['id'] } })
  expect(asked).toEqual([
    { sort: ['name'], 'fields[things]': 'id', 'page[limit]': 3, 'page[offset]': 0 },
  ])
  expect(list.rows.value).toEqual([0, 1, 2])
  expect(list.total.value).toBe(7)
  list.offset.value = 6
  await settled()
  expect(list.rows.value).toEqual([6])
  expect(list.loading.value).toBe(false)
})

test('another order and other filters begin with the first page, each with one call', async () => {
  const word = ref('a')
  const list = await start({ filters: () => [{ field: 'name', values: [word.value] }] })
  list.offset.value = 3
  await settled()
  word.value = 'b'
  await settled()
  list.sort.value = '-name'
  await settled()
  expect(asked.map((q) => [q['filter[name]'], q.sort, q['page[offset]']])).toEqual([
    ['a', ['name'], 0],
    ['a', ['name'], 3],
    ['b', ['name'], 0],
    ['b', ['-name'], 0],
  ])
})

test('when the rows of the last page are gone, the page before it is shown', async () => {
  const list = await start()
  list.offset.value = 6
  await settled()
  total = 6
  await list.reload()
  await settled()
  expect(list.offset.value).toBe(3)
  expect(list.rows.value).toEqual([3, 4, 5])
  total = 0
  await list.reload()
  await settled()
  expect(list.offset.value).toBe(0)
  expect(asked.length).toBe(6)
})

test('nothing is asked before it is wanted', async () => {
  const list = await start({ now: false })
  expect(asked).toEqual([])
  expect(list.rows.value).toEqual([])
  await list.reload()
  expect(list.rows.value.length).toBe(3)
})
