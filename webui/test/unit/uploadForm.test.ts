import { expect, test } from 'vitest'
import { noTargets } from '@/components/targets/targets'
import { parseResult } from '@/api/upload'
import {
  emptyUpload,
  isAbsolute,
  isMode,
  isReady,
  toFormData,
} from '@/components/upload/uploadForm'

const form = {
  ...emptyUpload(),
  file: new File(['x'], 'x.txt'),
  dest: '/tmp/x',
  targets: { ...noTargets(), clients: ['a', 'b'], groups: ['g'] },
}

test('paths and rights are looked at before anything is sent', () => {
  expect(['/a', 'C:\\a', 'c:/a', '\\\\host\\share', ' /a '].every(isAbsolute)).toBe(true)
  expect(['a', './a', '', '/ ', 'C:a'].some(isAbsolute)).toBe(false)
  expect(isMode('0644') && isMode('')).toBe(true)
  expect(isMode('0888') || isMode('rw') || isMode('07777')).toBe(false)
  expect(isReady(form)).toBe(true)
  expect(isReady({ ...form, file: undefined })).toBe(false)
  expect(isReady({ ...form, targets: noTargets() })).toBe(false)
})

test('the form has a part for each client and nothing that was left empty', () => {
  const data = toFormData({ ...form, dest: ' /tmp/x ', user: ' ', existing: 'sync' })
  expect(data.get('dest')).toBe('/tmp/x')
  expect(data.getAll('client_id')).toEqual(['a', 'b'])
  expect(data.getAll('group_id')).toEqual(['g'])
  expect(data.get('sync')).toBe('true')
  expect(['force', 'mode', 'user', 'tags'].some((name) => data.has(name))).toBe(false)
  const tags = { ...noTargets(), by: 'tags' as const, tags: ['t'], all: true }
  expect(toFormData({ ...form, targets: tags }).get('tags')).toBe('{"tags":["t"],"operator":"AND"}')
})

test('what is no result is left out', () => {
  expect(parseResult('{"client_id":"a","status":"success","uuid":"u","filepath":"/x"}')).toEqual({
    client_id: 'a',
    uuid: 'u',
    filepath: '/x',
    message: '',
    status: 'success',
  })
  for (const bad of ['', 'null', '[]', '{"client_id":1}', 'x'.repeat(30_000), undefined])
    expect(parseResult(bad)).toBeUndefined()
})
