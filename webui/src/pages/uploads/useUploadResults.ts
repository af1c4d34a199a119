import { onScopeDispose, ref } from 'vue'
import { parseResult, type UploadResult } from './uploadForm'
import { openSocket } from '@/api/client'
import { backOff } from '@/api/events'

export interface Received extends UploadResult {
  at: string
}

// The oldest give way: the list is for looking on, the audit log for looking back.
const KEPT_MAX = 1000

/** What clients tell of the files they got while the page is open, the newest first. */
export function useUploadResults() {
  const results = ref<Received[]>([])
  let socket: WebSocket | undefined
  let timer: number | undefined
  let attempt = 0
  let ended = false

  function add(event: MessageEvent) {
    const result = parseResult(event.data)
    if (result)
      results.value = [{ ...result, at: new Date().toISOString() }, ...results.value].slice(
        0,
        KEPT_MAX,
      )
  }
  function connect() {
    socket = openSocket('/ws/uploads')
    socket.onopen = () => (attempt = 0)
    socket.onmessage = add
    socket.onclose = () => {
      if (ended) return
      timer = window.setTimeout(connect, backOff(attempt))
      attempt += 1
    }
  }
  connect()
  onScopeDispose(() => {
    ended = true
    window.clearTimeout(timer)
    socket?.close()
  })
  return { results, clear: () => (results.value = []) }
}
