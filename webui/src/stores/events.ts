import { defineStore } from 'pinia'
import { ref } from 'vue'
import { api } from '@/api/client'
import { parseEvent, type LiveEvent } from '@/api/events'
import { keepSocket, type KeptSocket, type SocketState } from '@/api/socket'

type Listener = (event: LiveEvent) => void

/** The events of the server, as long as somebody is signed in; after a break it comes back by itself. */
export const useEvents = defineStore('events', () => {
  const state = ref<SocketState>('off')
  const listeners = new Set<Listener>()
  let socket: KeptSocket | undefined
  let before = false

  function tell(event: LiveEvent) {
    for (const listener of [...listeners]) listener(event)
  }

  function turn(now: SocketState) {
    state.value = now
    // A WebSocket does not say why it broke: a call does, and with it that the session has ended.
    if (now === 'off') void api.get('/me').catch(() => undefined)
    if (now !== 'on') return
    // What happened in between was missed.
    if (before) tell({ type: 'lost' })
    before = true
  }

  function hear(data: unknown) {
    const event = parseEvent(data)
    if (event) tell(event)
  }

  function start() {
    socket ??= keepSocket('/ws/events', hear, turn)
  }

  function stop() {
    socket?.close()
    socket = undefined
    state.value = 'off'
  }

  /** Without waiting for the next attempt. */
  const retry = () => void socket?.ready()

  /** Returns what ends it. Pages use useLive instead. */
  function subscribe(listener: Listener) {
    listeners.add(listener)
    return () => listeners.delete(listener)
  }

  return { state, start, stop, retry, subscribe }
})
