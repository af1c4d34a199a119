import { onScopeDispose, reactive, shallowRef } from 'vue'
import { openSocket } from '@/api/client'
import { ApiError, errorFrom } from '@/api/error'
import type { Schemas } from '@/api/types'
import { run as texts } from '@/texts'

export interface Run {
  what: string
  isScript: boolean
  /** Output as it comes, standard error in red. */
  text: string
  started: number
  /** The job at its end. */
  job?: Schemas['Job']
  error?: unknown
  /** The connection ended before the job did. */
  lost: boolean
}

interface Message {
  status?: string
  errors?: unknown
  result?: { stdout?: string; stderr?: string } | null
}

// What is shown live; the whole output is in the job.
const TEXT_MAX = 4_000_000
const RED = '\u001b[31m'
const RESET = '\u001b[0m'

/** Runs one command or script at a time on clients, with live output over a WebSocket. */
export function useRun(done: () => void) {
  const run = shallowRef<Run>()
  let socket: WebSocket | undefined

  function take(own: Run, message: Message, raw: string) {
    if (message.errors) own.error = errorFrom(400, raw)
    else if (message.status) own.job = message as unknown as Schemas['Job']
    else {
      const { stdout = '', stderr = '' } = message.result ?? {}
      const red = stderr ? RED + stderr + RESET : ''
      if (own.text.length < TEXT_MAX) own.text += stdout + red
    }
    if (own.job || own.error) socket?.close()
  }

  function start(what: string, isScript: boolean, body: object) {
    stop()
    const own = reactive<Run>({
      what,
      isScript,
      text: '',
      started: Date.now(),
      job: undefined,
      error: undefined,
      lost: false,
    })
    const ws = openSocket(isScript ? '/ws/scripts' : '/ws/commands')
    run.value = own
    socket = ws
    let opened = false
    ws.onopen = () => {
      opened = true
      ws.send(JSON.stringify(body))
    }
    ws.onmessage = (event) => {
      if (run.value !== own || typeof event.data !== 'string') return
      try {
        take(own, JSON.parse(event.data) as Message, event.data)
      } catch (error) {
        own.error = error
      }
    }
    ws.onclose = () => {
      if (run.value !== own) return
      if (!opened) own.error = new ApiError(0, [{ code: '', title: texts.notStarted, detail: '' }])
      else if (!own.job && !own.error) own.lost = true
      done()
    }
  }

  /** Looks no longer; the job goes on. */
  function stop() {
    const old = socket
    socket = undefined
    run.value = undefined
    old?.close()
  }
  onScopeDispose(stop)
  return { run, start }
}
