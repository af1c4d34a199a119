import { expect, test } from 'vitest'
import { fromBase64, toBase64 } from '@/composables/base64'
import { countStates, doneOf, verdict } from '@/pages/jobs/counts'
import { firstLine } from '@/pages/jobs/firstLine'
import { filtersOf, noFilters } from '@/pages/jobs/list/period'
import { bodyOf, fromJob, newForm, problems } from '@/pages/jobs/new/jobForm'
import { append, TEXT_MAX, TOTAL_MAX } from '@/stores/runs'

test('how a job stands', () => {
  const going = countStates(['successful', 'running'], 4)
  expect(going).toMatchObject({ successful: 1, running: 1, waiting: 2, total: 4, over: false })
  expect(doneOf(going)).toBe(1)
  expect(verdict(going)).toBe('running')
  expect(verdict(countStates(['successful', 'successful'], null))).toBe('successful')
  expect(verdict(countStates(['successful', 'failed'], null))).toBe('partly')
  expect(verdict(countStates(['failed', 'unknown'], null))).toBe('failed')
  expect(verdict(countStates([], null))).toBe('nothing')
  expect(countStates(['<script>', null], null).unknown).toBe(2)
  // A client more than was said (it came between the two questions) is no negative number.
  expect(countStates(['running', 'running'], 1)).toMatchObject({ waiting: 0, total: 2 })
})

test('the first line that says something', () => {
  expect(firstLine('#!/bin/sh\n# comment\n\n  df -h\nls')).toBe('df -h')
  expect(firstLine('# only this')).toBe('# only this')
  expect(firstLine('')).toBe('')
})

test('filters in the words of the API', () => {
  const now = new Date('2026-01-02T00:00:00Z')
  expect(filtersOf(noFilters(), now)).toEqual([])
  expect(filtersOf({ by: ' bob', client: 'c1', status: 'failed', period: 'day' }, now)).toEqual([
    { field: 'created_by', values: ['bob*'] },
    { field: 'client_id', values: ['c1'] },
    { field: 'status', values: ['failed'] },
    { field: 'started_at', op: 'since', values: ['2026-01-01T00:00:00.000Z'] },
  ])
})

test('a form becomes a request, and a job becomes a form', () => {
  const form = newForm(true)
  expect(problems(form).what).toBeDefined()
  expect(problems(form).targets).toBeDefined()
  form.script = 'echo ü'
  form.targets.clients = ['c1']
  form.options.timeout = '5'
  expect(problems(form)).toEqual({ what: undefined, targets: undefined, timeout: undefined })
  expect(bodyOf(form)).toMatchObject({
    client_ids: ['c1'],
    script: toBase64('echo ü'),
    timeout_sec: 5,
    execute_concurrently: false,
    abort_on_error: true,
  })
  expect(bodyOf(form)).not.toHaveProperty('command')
  const job = {
    jid: 'j',
    jobs: [],
    started_at: '',
    created_by: 'a',
    schedule_id: null,
    client_ids: null,
    group_ids: null,
    tags: { tags: ['x'], operator: 'AND' as const },
    command: 'id',
    cwd: '/tmp',
    interpreter: '',
    timeout_sec: 9,
    concurrent: true,
    abort_on_err: false,
    is_sudo: true,
    is_script: false,
  }
  expect(bodyOf(fromJob(job))).toMatchObject({
    command: 'id',
    cwd: '/tmp',
    is_sudo: true,
    timeout_sec: 9,
    execute_concurrently: true,
    abort_on_error: false,
    tags: { tags: ['x'], operator: 'AND' },
  })
})

test('base64 is of UTF-8, and what is none stays', () => {
  expect(fromBase64(toBase64('ü € 𝄞'))).toBe('ü € 𝄞')
  expect(fromBase64('not base64!')).toBe('not base64!')
})

test('live output has an end', () => {
  const output = { text: '', cut: false }
  expect(append(output, { stdout: 'a', stderr: 'b' }, 0)).toBeGreaterThan(2)
  expect(output.text).toContain('a')
  expect(output.text).toContain('b')
  expect(append(output, { stdout: 'x'.repeat(TEXT_MAX) }, 0)).toBe(0)
  expect(output.cut).toBe(true)
  const other = { text: '', cut: false }
  expect(append(other, { stdout: 'x' }, TOTAL_MAX + 1)).toBe(0)
  expect(other.cut).toBe(true)
})
