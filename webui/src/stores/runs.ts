import { defineStore } from 'pinia'
import { reactive, shallowReactive } from 'vue'
import { openSocket } from '@/api/client'
import { ApiError, errorFrom } from '@/api/error'
import { jobs } from '@/texts'

/** What one client prints, while it does. */
export interface LiveOutput {
  text: string
  /** There was more than is kept here. */
  cut: boolean
}

export interface LiveRun {
  outputs: Record<string, LiveOutput>
  open: boolean
}

interface Message {
  multi_job_id?: string
  errors?: unknown
  status?: string
  jid?: string
  result?: { stdout?: string; stderr?: string } | null
}

const RED = '\u001b[31m'
const RESET = '\u001b[0m'
/** Kept of one client, and of all of a job: the whole output is in the job at its end. */
export const TEXT_MAX = 1_000_000
export const TOTAL_MAX = 16_000_000
const RUNS_MAX = 4

/** Adds what a client printed; total is what all clients of the job have here. */
export function append(output: LiveOutput, piece: Message['result'], total: number): number {
  const { stdout = '', stderr = '' } = piece ?? {}
  const added = stdout + (stderr ? RED + stderr + RESET : '')
  if (output.cut || output.text.length + added.length > TEXT_MAX || total > TOTAL_MAX) {
    output.cut = true
    return 0
  }
  output.text += added
  return added.length
}

/** Jobs on many clients that were started on this page: their live output, wherever one looks. */
export const useRuns = defineStore('runs', () => {
  const runs = shallowReactive(new Map<string, LiveRun>())

  function outputOf(run: LiveRun, jid: string): LiveOutput {
    run.outputs[jid] ??= { text: '', cut: false }
    return run.outputs[jid]
  }

  function keep(jid: string, run: LiveRun) {
    runs.set(jid, run)
    for (const [old, { open }] of runs)
      if (runs.size > RUNS_MAX && old !== jid && !open) runs.delete(old)
  }

  /** Resolves to the id of the job once it is stored; the output goes on coming. */
  function start(isScript: boolean, body: object): Promise<string> {
    const run = reactive<LiveRun>({ outputs: {}, open: true })
    let total = 0
    let known = false
    return new Promise((resolve, reject) => {
      const socket = openSocket(`${isScript ? '/ws/scripts' : '/ws/commands'}?announce=true`)
      function take(message: Message, raw: string) {
        if (message.errors) reject(errorFrom(400, raw))
        else if (message.multi_job_id) {
          known = true
          keep(message.multi_job_id, run)
          resolve(message.multi_job_id)
        } else if (message.jid && message.status === undefined) {
          total += append(outputOf(run, message.jid), message.result, total)
        }
      }
      socket.onopen = () => socket.send(JSON.stringify(body))
      socket.onmessage = ({ data }) => {
        if (typeof data !== 'string') return
        try {
          take(JSON.parse(data) as Message, data)
        } catch {
          socket.close()
        }
      }
      socket.onclose = () => {
        run.open = false
        if (!known) reject(new ApiError(0, [{ code: '', title: jobs.lost, detail: '' }]))
      }
    })
  }

  const of = (jid: string) => runs.get(jid)
  return { start, of }
})
