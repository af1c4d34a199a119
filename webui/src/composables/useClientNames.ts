import { shallowRef } from 'vue'
import { api } from '@/api/client'
import { listQuery } from '@/api/query'

const AT_ONCE = 100

/** Names of clients by id, asked for when they are needed. */
export function useClientNames() {
  const names = shallowRef(new Map<string, string>())

  async function need(ids: string[], signal?: AbortSignal) {
    const missing = [...new Set(ids)].filter((id) => !names.value.has(id) && !id.includes(','))
    const found = new Map(names.value)
    for (let i = 0; i < missing.length; i += AT_ONCE) {
      const values = missing.slice(i, i + AT_ONCE)
      const query = listQuery({
        filters: [{ field: 'id', values }],
        fields: { clients: ['id', 'name'] },
        limit: 500,
      })
      const { data } = await api.get('/clients', { query, signal })
      for (const client of data) if (client.id) found.set(client.id, client.name ?? '')
    }
    names.value = found
  }
  return { names, need }
}
