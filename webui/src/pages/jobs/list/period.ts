import type { Filter } from '@/api/query'
import { PERIODS, type Period } from '@/pages/audit/auditFilters'

export { PERIODS, type Period }

const DAY_MS = 24 * 3600_000
const LENGTHS: Record<Period, number> = {
  all: 0,
  hour: 3600_000,
  day: DAY_MS,
  week: 7 * DAY_MS,
  month: 30 * DAY_MS,
}

export interface JobFilters {
  by: string
  client: string
  status: string
  period: Period
}

export const noFilters = (): JobFilters => ({ by: '', client: '', status: '', period: 'all' })

export const anyFilter = (f: JobFilters) =>
  f.by.trim() !== '' || f.client !== '' || f.status !== '' || f.period !== 'all'

/** In the words of the API. */
export function filtersOf(f: JobFilters, now: Date): Filter[] {
  const filters: Filter[] = []
  if (f.by.trim() !== '') filters.push({ field: 'created_by', values: [`${f.by.trim()}*`] })
  if (f.client !== '') filters.push({ field: 'client_id', values: [f.client] })
  if (f.status !== '') filters.push({ field: 'status', values: [f.status] })
  if (f.period !== 'all') {
    const since = new Date(now.getTime() - LENGTHS[f.period]).toISOString()
    filters.push({ field: 'started_at', op: 'since', values: [since] })
  }
  return filters
}
