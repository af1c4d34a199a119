// Numbers, sizes, times and durations in words.
import { common, plural } from '@/texts'

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

/** 1234567 → '1.2 MB'. */
export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined || !Number.isFinite(n) || n < 0) return '–'
  let value = n
  let unit = 0
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`
}

export function number(n: number | null | undefined): string {
  return n === null || n === undefined || !Number.isFinite(n) ? '–' : n.toLocaleString('en')
}

export function percent(n: number | null | undefined): string {
  return n === null || n === undefined || !Number.isFinite(n)
    ? '–'
    : `${n.toFixed(n < 10 ? 1 : 0)} %`
}

const MINUTE = 60
const HOUR = 3600
const DAY = 86_400

/** Seconds in the two largest units: '2 h 5 min', '3 days 4 h', '12 s'. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds))
  if (s < MINUTE) return `${s} s`
  if (s < HOUR) return two(Math.floor(s / MINUTE), 'min', s % MINUTE, 's')
  if (s < DAY) return two(Math.floor(s / HOUR), 'h', Math.floor((s % HOUR) / MINUTE), 'min')
  const days = plural(Math.floor(s / DAY), 'day', 'days')
  const hours = Math.floor((s % DAY) / HOUR)
  return hours ? `${days} ${hours} h` : days
}

function two(a: number, aUnit: string, b: number, bUnit: string): string {
  return b === 0 ? `${a} ${aUnit}` : `${a} ${aUnit} ${b} ${bUnit}`
}

/** A time of the API; undefined for none (null, or the zero time). */
export function parseTime(text: string | null | undefined): Date | undefined {
  if (!text || text.startsWith('0001-')) return undefined
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? undefined : date
}

const FULL = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })
const SHORT = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' })

/** '28 Nov 2026, 22:10'; with seconds when `full`. */
export function dateTime(value: string | Date | null | undefined, full = false): string {
  const date = value instanceof Date ? value : parseTime(value)
  return date ? (full ? FULL : SHORT).format(date) : '–'
}

/** '5 min ago', 'in 2 h', 'just now'; the date for what is far away. */
export function relative(date: Date, now: number): string {
  const seconds = Math.round((date.getTime() - now) / 1000)
  const distance = Math.abs(seconds)
  if (distance < 10) return common.time.now
  if (distance >= 30 * DAY) return SHORT.format(date)
  const text = oneUnit(distance)
  return seconds < 0 ? common.time.ago(text) : common.time.in(text)
}

function oneUnit(s: number): string {
  if (s < MINUTE) return `${s} s`
  if (s < HOUR) return `${Math.round(s / MINUTE)} min`
  if (s < DAY) return `${Math.round(s / HOUR)} h`
  return plural(Math.round(s / DAY), 'day', 'days')
}
