// What the overview shows, each part with a call of its own that events start again.
import { api } from '@/api/client'
import { listQuery, type Filter } from '@/api/query'
import type { Schemas } from '@/api/types'
import { useLive } from '@/composables/useLive'
import { useLoad } from '@/composables/useLoad'
import { useSession } from '@/stores/session'

export const OFFLINE_MAX = 5
const JOBS_MAX = 5
const KERNELS = ['linux', 'windows', 'darwin'] as const

async function countOf(filters: Filter[], signal: AbortSignal): Promise<number> {
  const query = listQuery({ filters, fields: { clients: ['id'] }, limit: 1 })
  return (await api.get('/clients', { query, signal })).meta.count
}

async function clientCounts(signal: AbortSignal) {
  const state = (value: string) => countOf([{ field: 'connection_state', values: [value] }], signal)
  const kernel = (value: string) => countOf([{ field: 'os_kernel', values: [value] }], signal)
  const [online, offline, ...kernels] = await Promise.all([
    state('connected'),
    state('disconnected'),
    ...KERNELS.map(kernel),
  ])
  return { online, offline, kernels: KERNELS.map((name, i) => ({ name, count: kernels[i] ?? 0 })) }
}

async function offlineClients(signal: AbortSignal) {
  const query = listQuery({
    filters: [{ field: 'connection_state', values: ['disconnected'] }],
    fields: { clients: ['id', 'name', 'disconnected_at'] },
    sort: ['name'],
    limit: OFFLINE_MAX,
  })
  const { data, meta } = await api.get('/clients', { query, signal })
  return { list: data, count: meta.count }
}

export interface JobProgress {
  job: Schemas['MultiJobSummary']
  /** What runs; empty where that is not known. */
  command: string
  all: number
  ok: number
  failed: number
  running: number
}

async function progressOf(
  job: Schemas['MultiJobSummary'],
  signal: AbortSignal,
): Promise<JobProgress> {
  const path = { multi_job_id: job.jid }
  const ask = async (status?: string) => {
    const filters = status ? [{ field: 'status', values: [status] }] : []
    const query = listQuery({ filters, fields: { jobs: ['jid', 'command'] }, limit: 1 })
    return api.get('/commands/{multi_job_id}/jobs', { path, query, signal })
  }
  const [every, good, busy] = await Promise.all([ask(), ask('successful'), ask('running')])
  const [all, ok, running] = [every.meta.count, good.meta.count, busy.meta.count]
  const command = every.data[0]?.command ?? ''
  return { job, command, all, ok, running, failed: all - ok - running }
}

async function recentJobs(signal: AbortSignal) {
  const query = listQuery({ sort: ['-started_at'], limit: JOBS_MAX })
  const { data } = await api.get('/commands', { query, signal })
  return Promise.all(data.map((job) => progressOf(job, signal)))
}

export function useOverview() {
  const session = useSession()
  const counts = useLoad(clientCounts)
  const offline = useLoad(offlineClients)
  const seesTunnels = session.can('tunnels')
  const tunnels = useLoad(
    async (signal) => (await api.get('/tunnels', { signal })).data,
    seesTunnels,
  )
  const seesJobs = session.can('commands')
  const jobs = useLoad(recentJobs, seesJobs)

  useLive(['client'], () => {
    void counts.reload()
    void offline.reload()
  })
  if (seesTunnels) useLive(['tunnel', 'client'], () => void tunnels.reload())
  if (seesJobs) useLive(['job', 'command'], () => void jobs.reload())
  return { counts, offline, tunnels, jobs, seesTunnels, seesJobs }
}
