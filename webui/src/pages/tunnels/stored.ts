// Lists of stored tunnels: what is asked for, of one client or of all.
import { api } from '@/api/client'
import { listQuery, type Filter, type Query } from '@/api/query'
import type { Schemas } from '@/api/types'
import type { Page } from '@/composables/usePagedList'

type OfAll = Schemas['StoredTunnelOfClient']
/** In lists of all clients each says whose it is. */
export type StoredTunnel = Schemas['StoredTunnel'] &
  Partial<Pick<OfAll, 'client_id' | 'client_name' | 'connection_state'>>

const SEARCHED = ['name', 'scheme', 'remote_ip', 'remote_port']

/** all: of all clients; state: '', or only of those that are 'connected' or 'disconnected'. */
export function storedFilters(text: string, state: string, all: boolean): Filter[] {
  const wanted = text.trim()
  const field = all ? ['client_name', ...SEARCHED] : SEARCHED
  return [
    ...(wanted === '' ? [] : [{ field, values: [`*${wanted}*`] }]),
    ...(state === '' ? [] : [{ field: 'connection_state', values: [state] }]),
  ]
}

/** What is alike in the first order is told apart by its name. */
export function thenByName(query: Query): Query {
  const sort = [query.sort].flat()
  return sort.includes('name') || sort.includes('-name')
    ? query
    : { ...query, sort: [...sort, 'name'] }
}

/** A page of the list; clientId undefined: of all clients. */
export async function storedTunnels(
  query: Query,
  clientId: string | undefined,
  signal: AbortSignal,
): Promise<Page<StoredTunnel>> {
  if (clientId === undefined) {
    // No fields are named: all of them are there.
    return (await api.get('/stored-tunnels', { query, signal })) as Page<OfAll>
  }
  const path = { client_id: clientId }
  return await api.get('/clients/{client_id}/stored-tunnels', { path, query, signal })
}

/** One of a client's; undefined: it is not there (any more). */
export async function storedTunnel(clientId: string, id: string): Promise<OfAll | undefined> {
  const query = listQuery({ filters: [{ field: 'id', values: [id] }], sort: ['name'] })
  const { data } = await api.get('/stored-tunnels', { query })
  return (data as OfAll[]).find((one) => one.id === id && one.client_id === clientId)
}
