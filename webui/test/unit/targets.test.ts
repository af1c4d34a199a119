import { expect, test } from 'vitest'
import { anyTarget, filtersOf, fromFields, noTargets, toFields } from '@/components/targets/targets'

test('ids and groups, or tags: never both', () => {
  const chosen = { ...noTargets(), clients: ['a'], groups: ['g'], tags: ['t'] }
  expect(toFields(chosen)).toEqual({ client_ids: ['a'], group_ids: ['g'] })
  expect(toFields({ ...chosen, by: 'tags', all: true })).toEqual({
    tags: { tags: ['t'], operator: 'AND' },
  })
})

test('what the API answers is read back', () => {
  const targets = { ...noTargets(), clients: ['a', 'b'], groups: ['g'] }
  expect(fromFields(toFields(targets))).toEqual(targets)
  const tags = { ...noTargets(), by: 'tags' as const, tags: ['x'], all: true }
  expect(fromFields(toFields(tags))).toEqual(tags)
  expect(fromFields({ client_ids: null, group_ids: null, tags: null })).toEqual(noTargets())
})

test('nobody is chosen until there is one', () => {
  expect(anyTarget(noTargets())).toBe(false)
  expect(anyTarget({ ...noTargets(), tags: ['x'] })).toBe(false)
  expect(anyTarget({ ...noTargets(), by: 'tags', tags: ['x'] })).toBe(true)
  expect(anyTarget({ ...noTargets(), groups: ['g'] })).toBe(true)
})

test('the count is over a union', () => {
  expect(filtersOf({ ...noTargets(), clients: ['a'], groups: ['g'] })).toEqual([
    { field: 'id', values: ['a'] },
    { field: 'groups', values: ['g'] },
  ])
  expect(filtersOf({ ...noTargets(), by: 'tags', tags: ['x', 'y'], all: true })).toEqual([
    { field: 'tags', values: ['x', 'y'], all: true },
  ])
})
