import { expect, test } from 'vitest'
import type { Schemas } from '@/api/types'
import { noTargets } from '@/components/targets/targets'
import { emptySchedule, fromSchedule, isReady, toSchedule } from '@/pages/schedules/scheduleForm'

const form = {
  ...emptySchedule(),
  name: 'nightly',
  zone: 'Europe/Berlin',
  type: 'script' as const,
  script: '#!/bin/sh\necho "grüße ☕"\n',
  targets: { ...noTargets(), clients: ['a'] },
}

test('what is sent can be read back into the form', () => {
  const sent = toSchedule(form)
  expect(sent.schedule).toBe('CRON_TZ=Europe/Berlin 0 3 * * *')
  expect(sent).not.toHaveProperty('command')
  const answer = { ...sent, id: 'x', tags: null } as unknown as Schemas['Schedule']
  expect(fromSchedule(answer)).toEqual(form)
})

test('nothing is sent before it has a name, something to run, clients and a time to end', () => {
  expect(isReady(form)).toBe(true)
  expect(isReady({ ...form, name: ' ' })).toBe(false)
  expect(isReady({ ...form, script: '\n' })).toBe(false)
  expect(isReady({ ...form, targets: noTargets() })).toBe(false)
  expect(isReady({ ...form, timeout: '1.5' })).toBe(false)
})
