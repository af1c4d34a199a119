import { expect, test } from 'vitest'
import { cronWords, joinZone, splitZone } from '@/pages/schedules/cronWords'

test.each([
  ['0 3 * * *', 'every day at 03:00'],
  ['30 7 * * 1-5', 'every weekday at 07:30'],
  ['30 7 * * MON-FRI', 'every weekday at 07:30'],
  ['0 4 * * 0', 'every Sunday at 04:00'],
  ['0 4 * * 7', 'every Sunday at 04:00'],
  ['0 4 * * 6,0', 'every Saturday and Sunday at 04:00'],
  ['0 8,12,18 * * 1,3', 'every Monday and Wednesday at 08:00, 12:00 and 18:00'],
  ['15 2 1,15 * *', 'on day 1 and 15 of the month at 02:15'],
  ['0 0 1 1 *', 'on day 1 of the month in January at 00:00'],
  ['*/15 * * * *', 'every 15 minutes'],
  ['* * * * *', 'every minute'],
  ['5 * * * *', 'every hour at minute 5'],
  ['0 */6 * * *', 'every 6 hours'],
  ['*/10 * * * 1-5', 'every 10 minutes every weekday'],
  ['@daily', 'every day at 00:00'],
  ['@every 2h30m', 'every 2h30m'],
  ['CRON_TZ=Europe/Berlin 0 3 * * *', 'every day at 03:00'],
])('%s reads: %s', (cron, text) => {
  expect(cronWords(cron)).toBe(text)
})

// Both days set: cron runs on either, which no short sentence says right.
test.each(['0 3 1 * 1', '*/7 * * * *', '0 25 * * *', '0 3 * *', 'x', '', '1-90 * * * *', '@never'])(
  'no words for %s',
  (cron) => {
    expect(cronWords(cron)).toBeUndefined()
  },
)

test('the zone is taken off and put back', () => {
  expect(splitZone('TZ=UTC 0 3 * * *')).toEqual({ zone: 'UTC', cron: '0 3 * * *' })
  expect(splitZone(' 0 3 * * * ')).toEqual({ zone: '', cron: '0 3 * * *' })
  expect(joinZone('Europe/Berlin', '0 3 * * *')).toBe('CRON_TZ=Europe/Berlin 0 3 * * *')
  expect(joinZone(' ', '0 3 * * *')).toBe('0 3 * * *')
})
