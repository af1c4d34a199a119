import { expect, test } from 'vitest'
import { commandBody, formOf, matching, scriptBody, tagsOf } from '@/pages/library/entries'
import { languageOf } from '@/composables/language'

const entry = (name: string, what: string, tags: string[]) => ({
  id: name,
  name,
  what,
  tags,
  interpreter: '',
  cwd: '',
  sudo: false,
  timeout: 60,
  updatedAt: '',
  updatedBy: '',
})
const list = [entry('Disk', 'df -h', ['b', 'a']), entry('Up', 'uptime', ['a'])]

test('entries are found by name, by what they run, by tag', () => {
  expect(matching(list, '', '')).toEqual(list)
  expect(matching(list, ' DF ', '')).toEqual([list[0]])
  expect(matching(list, 'up', 'a')).toEqual([list[1]])
  expect(matching(list, 'up', 'b')).toEqual([])
  expect(tagsOf(list)).toEqual(['a', 'b'])
})

test('a form becomes a request', () => {
  const form = { ...formOf(list[0]), name: ' Disk ', timeout: '9' }
  expect(commandBody(form)).toEqual({
    name: 'Disk',
    cmd: 'df -h',
    tags: ['b', 'a'],
    timeout_sec: 9,
  })
  expect(scriptBody({ ...form, sudo: true })).toMatchObject({
    script: btoa('df -h'),
    is_sudo: true,
    interpreter: '',
  })
})

test('colours by interpreter or first line', () => {
  expect(languageOf('', 'ls')).toBe('shell')
  expect(languageOf('powershell', '')).toBe('powershell')
  expect(languageOf('', '#!/usr/bin/env python3\nprint(1)')).toBe('python')
  expect(languageOf('tacoscript', '')).toBe('yaml')
  expect(languageOf('cmd', '')).toBe('plain')
})
