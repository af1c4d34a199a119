import { onScopeDispose } from 'vue'
import type { LiveEvent } from '@/api/events'
import { useEvents } from '@/stores/events'

const QUIET_MS = 250
const LATEST_MS = 1500

/**
 * Calls refresh soon after events of these types, at most every second and a half however many there are,
 * and after events may have been lost. matches narrows it (to one client, say).
 */
export function useLive(
  types: string[],
  refresh: (events: LiveEvent[]) => void,
  matches: (event: LiveEvent) => boolean = () => true,
) {
  let waiting: LiveEvent[] = []
  let timer: number | undefined
  let since = 0

  function fire() {
    const events = waiting
    waiting = []
    timer = undefined
    refresh(events)
  }
  const end = useEvents().subscribe((event) => {
    if (event.type !== 'lost' && !(types.includes(event.type) && matches(event))) return
    if (waiting.length === 0) since = Date.now()
    waiting.push(event)
    window.clearTimeout(timer)
    timer = window.setTimeout(fire, Math.min(QUIET_MS, Math.max(0, since + LATEST_MS - Date.now())))
  })
  onScopeDispose(() => {
    end()
    window.clearTimeout(timer)
  })
}
