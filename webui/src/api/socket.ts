import { openSocket } from './client'

const FIRST_WAIT_MS = 1000
const LONGEST_WAIT_MS = 30_000

/** Wait before the nth new attempt; random, so that not all pages come back at once. */
export function backOff(attempt: number, random = Math.random()): number {
  const full = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt)
  return full / 2 + (full / 2) * random
}

export type SocketState = 'off' | 'connecting' | 'on'

export interface KeptSocket {
  /** Resolves when it is open, or could not be opened now; does not wait for the next attempt's time. */
  ready: () => Promise<void>
  close: () => void
}

/** A WebSocket of the API that comes back after each break, until it is closed. */
export function keepSocket(
  path: string,
  onMessage: (data: unknown) => void,
  onState: (state: SocketState) => void = () => undefined,
): KeptSocket {
  let socket: WebSocket | undefined
  let timer: number | undefined
  let attempts = 0
  let tried = Promise.resolve()

  function connect() {
    window.clearTimeout(timer)
    onState('connecting')
    const own = openSocket(path)
    socket = own
    own.onmessage = (message) => onMessage(message.data)
    tried = new Promise((resolve) => {
      own.onopen = () => {
        attempts = 0
        onState('on')
        resolve()
      }
      own.onclose = () => {
        resolve()
        if (socket !== own) return
        socket = undefined
        onState('off')
        timer = window.setTimeout(connect, backOff(attempts))
        attempts += 1
      }
    })
  }
  function close() {
    const last = socket
    socket = undefined
    window.clearTimeout(timer)
    last?.close()
  }
  connect()
  return {
    ready: () => {
      if (!socket) connect()
      return tried
    },
    close,
  }
}
