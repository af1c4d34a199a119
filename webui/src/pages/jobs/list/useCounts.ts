import { onScopeDispose, shallowReactive, watch } from 'vue'
import { countStates, type Counts } from '../counts'
import { api } from '@/api/client'
import { listQuery } from '@/api/query'
import type { Schemas } from '@/api/types'

const CHILDREN_MAX = 1000
const AT_ONCE = 4

async function ask(jid: string, targets: number | null, signal: AbortSignal): Promise<Counts> {
  const query = listQuery({ fields: { jobs: ['status'] }, limit: CHILDREN_MAX })
  const path = { multi_job_id: jid }
  const { data } = await api.get('/commands/{multi_job_id}/jobs', { path, query, signal })
  return countStates(
    data.map((child) => child.status),
    targets,
  )
}

/** How each job of a list stands, asked a few at a time; what has ended is asked once. */
export function useCounts(rows: () => Schemas['MultiJobSummary'][]) {
  const counts = shallowReactive(new Map<string, Counts>())
  let running: AbortController | undefined

  async function fill(list: Schemas['MultiJobSummary'][]) {
    running?.abort()
    const own = new AbortController()
    running = own
    const open = list.filter(({ jid }) => jid && counts.get(jid)?.over !== true)
    async function work() {
      for (let row = open.shift(); row?.jid && !own.signal.aborted; row = open.shift()) {
        try {
          counts.set(row.jid, await ask(row.jid, row.targets ?? null, own.signal))
        } catch {
          // The row stays without; the next event asks again.
        }
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  }
  watch(rows, (list) => void fill(list))
  onScopeDispose(() => running?.abort())
  return counts
}
