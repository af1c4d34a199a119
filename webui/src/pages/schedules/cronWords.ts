// A schedule in words, where it is of a form that reads well; the server tells the next runs anyway.
import { schedules } from '@/texts'

const words = schedules.words
const MINUTES = 60
const TIMES_MAX = 6
const NAMES = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

/** '1,3-5' as numbers; undefined for anything that is not a plain list within the bounds. */
function numbers(field: string, least: number, most: number): number[] | undefined {
  const found = new Set<number>()
  for (const part of field.split(',')) {
    const match = /^(\d{1,2})(?:-(\d{1,2}))?$/.exec(part)
    if (!match) return undefined
    const from = Number(match[1])
    const to = Number(match[2] ?? match[1])
    if (from < least || to > most || from > to) return undefined
    for (let n = from; n <= to; n += 1) found.add(n)
  }
  return [...found].sort((a, b) => a - b)
}

const step = (field: string) => {
  const match = /^\*\/(\d{1,2})$/.exec(field)
  return match && Number(match[1]) > 0 ? Number(match[1]) : undefined
}
const two = (n: number) => String(n).padStart(2, '0')
const any = (field: string) => field === '*' || field === '?'

/** The part of the day; `often` when it happens more than at set times. */
function timeWords(minute: string, hour: string): { text: string; often: boolean } | undefined {
  const minuteStep = step(minute)
  const hourStep = step(hour)
  if (any(minute) && any(hour)) return { text: words.everyMinute, often: true }
  if (minuteStep !== undefined && any(hour) && MINUTES % minuteStep === 0)
    return { text: words.everyMinutes(minuteStep), often: true }
  const minutes = numbers(minute, 0, 59)
  if (minutes?.length === 1 && any(hour))
    return { text: words.everyHour(minutes[0] ?? 0), often: true }
  if (minutes?.length === 1 && hourStep !== undefined && 24 % hourStep === 0)
    return { text: words.everyHours(hourStep, minutes[0] ?? 0), often: true }
  const hours = numbers(hour, 0, 23)
  if (!minutes || !hours || minutes.length * hours.length > TIMES_MAX) return undefined
  const times = hours.flatMap((h) => minutes.map((m) => `${two(h)}:${two(m)}`))
  return { text: words.at(times), often: false }
}

function weekdays(field: string): number[] | undefined {
  const named = field.replace(/[A-Za-z]+/g, (name) => {
    const index = NAMES.indexOf(name.toUpperCase())
    return index < 0 ? name : String(index)
  })
  const days = numbers(named, 0, 7)
  return days && [...new Set(days.map((d) => d % 7))].sort((a, b) => a - b)
}

function dayWords(day: string, month: string, weekday: string): string[] | undefined {
  const result: string[] = []
  if (!any(day) && !any(weekday)) return undefined
  if (!any(weekday)) {
    const days = weekdays(weekday)
    if (!days) return undefined
    if (days.join() === '1,2,3,4,5') result.push(words.weekdays)
    else if (days.join() === '0,6') result.push(words.weekend)
    else if (days.length < 7) result.push(words.onWeekdays(days))
  }
  if (!any(day)) {
    const days = numbers(day, 1, 31)
    if (!days) return undefined
    result.push(words.onDays(days))
  }
  if (!any(month)) {
    const months = numbers(month, 1, 12)
    if (!months) return undefined
    result.push(words.inMonths(months))
  }
  return result
}

/** 'CRON_TZ=Europe/Berlin 0 3 * * *' → zone and what is left. */
export function splitZone(text: string): { zone: string; cron: string } {
  const match = /^(?:CRON_)?TZ=(\S+)\s+(.*)$/.exec(text.trim())
  return { zone: match?.[1] ?? '', cron: match?.[2] ?? text.trim() }
}
export const joinZone = (zone: string, cron: string) =>
  zone.trim() === '' ? cron.trim() : `CRON_TZ=${zone.trim()} ${cron.trim()}`

/** Undefined: no words for this one. */
export function cronWords(text: string): string | undefined {
  const { cron } = splitZone(text)
  if (cron.startsWith('@')) {
    const every = /^@every\s+(\S+)$/.exec(cron)
    return every?.[1] ? words.every(every[1]) : words.descriptors[cron]
  }
  const fields = cron.split(/\s+/)
  if (fields.length !== 5) return undefined
  const [minute, hour, day, month, weekday] = fields as [string, string, string, string, string]
  const time = timeWords(minute, hour)
  const days = dayWords(day, month, weekday)
  if (!time || !days) return undefined
  if (days.length === 0) return time.often ? time.text : `${words.everyDay} ${time.text}`
  return time.often ? `${time.text} ${days.join(' ')}` : `${days.join(' ')} ${time.text}`
}
