import { computed } from 'vue'
import { countStates } from '../counts'
import { api } from '@/api/client'
import { ApiError } from '@/api/error'
import { listQuery } from '@/api/query'
import type { Schemas } from '@/api/types'
import { useLive } from '@/composables/useLive'
import { useLoad } from '@/composables/useLoad'
import { common } from '@/texts'

export type Child = Schemas['JobPart']

const FIELDS = ['jid', 'status', 'client_id', 'client_name', 'started_at', 'finished_at', 'error']
const AT_ONCE = 1000

async function children(id: string, signal: AbortSignal): Promise<Child[]> {
  const all: Child[] = []
  for (;;) {
    const query = listQuery({
      fields: { jobs: FIELDS },
      sort: ['started_at', 'jid'],
      limit: AT_ONCE,
      offset: all.length,
    })
    const path = { multi_job_id: id }
    const { data, meta } = await api.get('/commands/{multi_job_id}/jobs', { path, query, signal })
    all.push(...data)
    if (data.length === 0 || all.length >= meta.count) return all
  }
}

/** For how many clients a job is as long as it is under way. */
async function targets(id: string, signal: AbortSignal): Promise<number | null> {
  const query = listQuery({
    filters: [{ field: 'jid', values: [id] }],
    fields: { commands: ['targets'] },
  })
  const { data } = await api.get('/commands', { query, signal })
  return data[0]?.targets ?? null
}

/** A job on many clients: what was asked for (once), and how it stands (with every event). */
export function useJob(id: string) {
  const job = useLoad(async (signal) => {
    const path = { multi_job_id: id }
    return (await api.get('/commands/{multi_job_id}', { path, signal })).data
  })
  const state = useLoad(async (signal) => {
    // In this order: a job that has ended in between has all of its clients.
    const before = await targets(id, signal)
    return { targets: before, list: await children(id, signal) }
  })
  useLive(
    ['command', 'job'],
    () => void state.reload(),
    (event) => event.id === id || event.job_id === id,
  )
  const counts = computed(() => {
    const now = state.data.value
    const statuses = (now?.list ?? []).map((child) => child.status)
    return countStates(statuses, now?.targets ?? null)
  })
  return { job, state, counts }
}

/** The job of one client with its output. */
export async function childOutput(id: string, jid: string, signal: AbortSignal) {
  const query = listQuery({
    filters: [{ field: 'jid', values: [jid] }],
    fields: { jobs: ['jid', 'status', 'error'], result: ['stdout', 'stderr'] },
  })
  const path = { multi_job_id: id }
  const { data } = await api.get('/commands/{multi_job_id}/jobs', { path, query, signal })
  if (!data[0])
    throw new ApiError(404, [{ code: '', title: common.errors.status(404), detail: '' }])
  return data[0]
}
