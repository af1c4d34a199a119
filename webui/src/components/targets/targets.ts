// Which clients something is for: by id and group, or by tag. The API takes the one or the other.
import { api } from '@/api/client'
import { listQuery, type Filter } from '@/api/query'
import type { Schemas } from '@/api/types'

export interface Targets {
  by: 'clients' | 'tags'
  clients: string[]
  groups: string[]
  tags: string[]
  /** A client has to have all of the tags. */
  all: boolean
}

export const noTargets = (): Targets => ({
  by: 'clients',
  clients: [],
  groups: [],
  tags: [],
  all: false,
})

export const anyTarget = (t: Targets) =>
  t.by === 'tags' ? t.tags.length > 0 : t.clients.length + t.groups.length > 0

export interface TargetFields {
  client_ids?: string[] | null
  group_ids?: string[] | null
  tags?: Schemas['Tags']
}

/** For the body of a request. */
export function toFields(t: Targets): TargetFields {
  if (t.by === 'tags') return { tags: { tags: t.tags, operator: t.all ? 'AND' : 'OR' } }
  return { client_ids: t.clients, group_ids: t.groups }
}

/** From what the API answered. */
export function fromFields(fields: TargetFields): Targets {
  const tags = fields.tags?.tags ?? []
  return {
    by: tags.length > 0 ? 'tags' : 'clients',
    clients: fields.client_ids ?? [],
    groups: fields.group_ids ?? [],
    tags,
    all: fields.tags?.operator === 'AND',
  }
}

export interface Count {
  all: number
  connected: number
}

// The API gives so many clients at once.
const AT_ONCE = 500

/** The filters whose union the targets are. */
export function filtersOf(t: Targets): Filter[] {
  if (t.by === 'tags') return [{ field: 'tags', values: t.tags, all: t.all }]
  const filters: Filter[] = []
  if (t.clients.length > 0) filters.push({ field: 'id', values: t.clients })
  if (t.groups.length > 0) filters.push({ field: 'groups', values: t.groups })
  return filters
}

async function addAll(found: Map<string, boolean>, filter: Filter, signal: AbortSignal) {
  for (let offset = 0; ; offset += AT_ONCE) {
    const query = listQuery({
      filters: [filter],
      fields: { clients: ['id', 'connection_state'] },
      limit: AT_ONCE,
      offset,
    })
    const { data, meta } = await api.get('/clients', { query, signal })
    for (const client of data)
      if (client.id) found.set(client.id, client.connection_state === 'connected')
    if (offset + AT_ONCE >= meta.count) return
  }
}

/** How many clients that is now; who is chosen twice counts once. */
export async function countTargets(t: Targets, signal: AbortSignal): Promise<Count> {
  const found = new Map<string, boolean>()
  for (const filter of filtersOf(t)) await addAll(found, filter, signal)
  return { all: found.size, connected: [...found.values()].filter(Boolean).length }
}
