// What became of the clients of a job.

export const STATES = ['successful', 'failed', 'unknown', 'running'] as const
export type State = (typeof STATES)[number]

export interface Counts extends Record<State, number> {
  /** Clients that have not begun. */
  waiting: number
  /** Clients that it is for, as far as they are known. */
  total: number
  /** Nothing more will come. */
  over: boolean
}

export const stateOf = (status: string | null | undefined): State =>
  STATES.find((state) => state === status) ?? 'unknown'

/** targets: what the server says of a job under way; null when it has ended. */
export function countStates(statuses: (string | null | undefined)[], targets: number | null) {
  const counts: Counts = {
    successful: 0,
    failed: 0,
    unknown: 0,
    running: 0,
    waiting: targets === null ? 0 : Math.max(0, targets - statuses.length),
    total: Math.max(targets ?? 0, statuses.length),
    over: targets === null,
  }
  for (const status of statuses) counts[stateOf(status)] += 1
  return counts
}

export const doneOf = (counts: Counts) => counts.successful + counts.failed + counts.unknown

export type Verdict = 'running' | 'successful' | 'failed' | 'partly' | 'nothing'

/** The job as a whole in a word. */
export function verdict(counts: Counts): Verdict {
  if (!counts.over || counts.running > 0) return 'running'
  if (counts.total === 0) return 'nothing'
  if (counts.successful === counts.total) return 'successful'
  return counts.successful > 0 ? 'partly' : 'failed'
}
