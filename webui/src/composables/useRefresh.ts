import { onScopeDispose } from 'vue'
import { useLive } from './useLive'

/**
 * For what no event tells of: calls refresh from time to time while somebody may look at the page, when one
 * comes back to it, and when the connection to the server has come back.
 */
export function useRefresh(refresh: () => unknown, everyMs: number) {
  let last = Date.now()

  function look() {
    if (document.visibilityState !== 'visible' || Date.now() - last < everyMs) return
    last = Date.now()
    refresh()
  }
  const timer = window.setInterval(look, everyMs)
  document.addEventListener('visibilitychange', look)
  useLive([], () => refresh())
  onScopeDispose(() => {
    window.clearInterval(timer)
    document.removeEventListener('visibilitychange', look)
  })
}
