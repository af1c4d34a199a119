// The search of the audit log in the words of the API.
import type { Filter } from '@/api/query'

export const FIELDS = [
  'username',
  'client_hostname',
  'client_id',
  'application',
  'action',
  'affected_id',
  'remote_ip',
] as const
export type AuditField = (typeof FIELDS)[number]

export const PERIODS = ['all', 'hour', 'day', 'week', 'month'] as const
export type Period = (typeof PERIODS)[number]

const HOUR_MS = 3600_000
const LENGTHS: Record<Period, number> = {
  all: 0,
  hour: HOUR_MS,
  day: 24 * HOUR_MS,
  week: 7 * 24 * HOUR_MS,
  month: 30 * 24 * HOUR_MS,
}

export interface AuditFilter {
  field: AuditField
  text: string
}

/** Several of one field: any of them; of different fields: all. */
export function auditFilters(chosen: AuditFilter[], period: Period, now: Date): Filter[] {
  const filters: Filter[] = []
  for (const field of FIELDS) {
    const values = chosen.filter((f) => f.field === field).map((f) => f.text)
    if (values.length > 0) filters.push({ field, values })
  }
  if (period !== 'all') {
    const since = new Date(now.getTime() - LENGTHS[period])
    filters.push({ field: 'timestamp', op: 'since', values: [since.toISOString()] })
  }
  return filters
}

/** JSON on lines of its own; anything else as it is. */
export function readable(text: string): string {
  if (text === '') return ''
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
