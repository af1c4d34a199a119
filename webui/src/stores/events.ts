import { defineStore } from 'pinia'
import { ref } from 'vue'
import { openSocket } from '@/api/client'
import { backOff, parseEvent, type LiveEvent } from '@/api/events'

export type LiveState = 'off' | 'connecting' | 'on'
type Listener = (event: LiveEvent) => void

/** The events of the server, as long as somebody is signed in. */
export const useEvents = defineStore('events', () => {
  const state = ref<LiveState>('off')
  const listeners = new Set<Listener>()
  let socket: WebSocket | undefined
  let timer: number | undefined
  let attempts = 0
  let wanted = false
  let before = false

  function tell(event: LiveEvent) {
    for (const listener of [...listeners]) listener(event)
  }

  function connect() {
    state.value = 'connecting'
    const own = openSocket('/ws/events')
    socket = own
    own.onopen = () => {
      attempts = 0
      state.value = 'on'
      // What happened in between was missed.
      if (before) tell({ type: 'lost' })
      before = true
    }
    own.onmessage = (message) => {
      const event = parseEvent(message.data)
      if (event) tell(event)
    }
    own.onclose = () => {
      if (socket !== own) return
      socket = undefined
      state.value = 'off'
      if (!wanted) return
      timer = window.setTimeout(connect, backOff(attempts))
      attempts += 1
    }
  }

  function start() {
    if (wanted) return
    wanted = true
    before = false
    attempts = 0
    connect()
  }

  function stop() {
    wanted = false
    window.clearTimeout(timer)
    socket?.close()
    socket = undefined
    state.value = 'off'
  }

  /** Returns what ends it. Pages use useLive instead. */
  function subscribe(listener: Listener) {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  return { state, start, stop, subscribe }
})
