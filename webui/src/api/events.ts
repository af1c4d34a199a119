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
