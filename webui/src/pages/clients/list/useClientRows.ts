import { onScopeDispose, ref, shallowRef } from 'vue'
import { api } from '@/api/client'
import { asApiError, type ApiError } from '@/api/error'
import { listQuery } from '@/api/query'
import type { Schemas } from '@/api/types'
import { toQuery, type ClientView } from './view'

export type ClientRow = Schemas['ClientPart']

const PAGE = 100
const ROW_FIELDS = [
  'id',
  'name',
  'hostname',
  'os_full_name',
  'os_kernel',
  'os_arch',
  'num_cpus',
  'mem_total',
  'timezone',
  'address',
  'ipv4',
  'tags',
  'groups',
  'version',
  'connection_state',
  'disconnected_at',
  'last_heartbeat_at',
  'tunnels',
  'updates_status',
]

/** Rows of the list of clients: as many as match, of which those in view are loaded, by pages. */
export function useClientRows(view: () => ClientView) {
  const rows = shallowRef<(ClientRow | undefined)[]>([])
  const total = ref(0)
  const loading = ref(true)
  const error = shallowRef<ApiError>()
  let fresh = new Set<number>()
  let inView: [number, number] = [0, 0]
  let running = new AbortController()
  let another = false

  function put(page: number, list: ClientRow[], count: number) {
    // Rows of another view say nothing about this one.
    const next = another ? [] : rows.value.slice(0, count)
    another = false
    next.length = count
    list.forEach((row, i) => (next[page * PAGE + i] = row))
    rows.value = next
    total.value = count
  }

  async function loadPage(page: number) {
    fresh.add(page)
    const own = running
    const query = listQuery({
      ...toQuery(view()),
      fields: { clients: ROW_FIELDS },
      limit: PAGE,
      offset: page * PAGE,
    })
    try {
      const { data, meta } = await api.get('/clients', { query, signal: own.signal })
      if (own !== running) return
      put(page, data, meta.count)
      error.value = undefined
    } catch (thrown) {
      if (own !== running) return
      fresh.delete(page)
      error.value = asApiError(thrown)
    }
    loading.value = false
  }

  function loadRange() {
    const [from, to] = inView
    for (let page = Math.floor(from / PAGE); page <= Math.floor(to / PAGE); page++)
      if (!fresh.has(page)) void loadPage(page)
  }

  function restart() {
    running.abort()
    running = new AbortController()
    fresh = new Set()
    loading.value = true
  }

  /** Another view. What is shown stays until the answer. */
  function begin() {
    restart()
    another = true
    loadRange()
  }
  /** The same view again, as after an event: loads what is in view. */
  function refresh() {
    restart()
    loadRange()
  }
  function range(from: number, to: number) {
    inView = [from, to]
    if (rows.value.length > 0) loadRange()
  }
  onScopeDispose(() => running.abort())
  begin()
  return { rows, total, loading, error, begin, refresh, range }
}

/** The ids of all that match, for "select all". */
export async function allIds(view: ClientView): Promise<string[]> {
  const ids: string[] = []
  const limit = 500
  for (;;) {
    const query = listQuery({
      ...toQuery(view),
      fields: { clients: ['id'] },
      limit,
      offset: ids.length,
    })
    const { data, meta } = await api.get('/clients', { query })
    ids.push(...data.flatMap((c) => (c.id ? [c.id] : [])))
    if (data.length === 0 || ids.length >= meta.count) return ids
  }
}
