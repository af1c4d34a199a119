import { duration, parseTime } from '@/composables/format'

interface Times {
  started_at?: string | null
  finished_at?: string | null
}

/** How long a job took, in words; for one that has not ended until `now`, or nothing without it. */
export function took(job: Times, now?: number): string {
  const begin = parseTime(job.started_at)?.getTime()
  const end = parseTime(job.finished_at)?.getTime() ?? now
  return begin === undefined || end === undefined ? '' : duration((end - begin) / 1000)
}
