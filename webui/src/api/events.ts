// What /api/v1/ws/events says.

import type { Schemas } from './types'

export type LiveEvent = Schemas['Event']

const TEXT_MAX = 10_000

/** Undefined for what is not an event. */
export function parseEvent(text: unknown): LiveEvent | undefined {
  if (typeof text !== 'string' || text.length > TEXT_MAX) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return undefined
    const event = value as Record<string, unknown>
    return typeof event.type === 'string' ? (value as LiveEvent) : undefined
  } catch {
    return undefined
  }
}

const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 30_000

/** Wait before the nth new attempt; random, so that not all pages come back at once. */
export function backOff(attempt: number, random = Math.random()): number {
  const full = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt)
  return full / 2 + (full / 2) * random
}
