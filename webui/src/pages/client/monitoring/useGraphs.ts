import { computed, ref, watch } from 'vue'
import { toGraph, type Point } from './data'
import { configured, type Client } from '../configuration'
import { api } from '@/api/client'
import { useLoad } from '@/composables/useLoad'
import { useRefresh } from '@/composables/useRefresh'

export type Hours = 2 | 6 | 12 | 24 | 48
const HOUR_S = 3600
/** Measurements come every minute or so and have no event of their own. */
export const REFRESH_MS = 60_000

const METRICS = ['cpu_usage_percent', 'memory_usage_percent', 'io_usage_percent']
const WANTED = METRICS.flatMap((metric) => [`${metric}.avg`, `${metric}.max`])
const CARD = ['in_avg', 'out_avg']

/** The measurements of a client over the last hours, or of a range that was zoomed into. */
export function useGraphs(client: () => Client) {
  const hours = ref<Hours>(2)
  const zoom = ref<[from: number, to: number]>()
  const id = computed(() => client().id ?? '')
  const cards = computed(() => {
    const { lan, wan } = configured(client())
    return [...(lan ? ['lan' as const] : []), ...(wan ? ['wan' as const] : [])]
  })

  const { data, error, loading, reload } = useLoad(async (signal) => {
    const to = Math.floor(Date.now() / 1000) + 1
    const from = to - hours.value * HOUR_S
    const query = { 'filter[timestamp][gt]': from, 'filter[timestamp][lt]': to, sort: 'timestamp' }
    const path = { client_id: id.value }
    const [all, ...networks] = await Promise.all([
      api.get('/clients/{client_id}/graph-metrics', { path, query, signal }),
      ...cards.value.map((card) =>
        api.get('/clients/{client_id}/graph-metrics/{graph}', {
          path: { ...path, graph: `net_usage_bps_${card}` },
          query,
          signal,
        }),
      ),
    ])
    return {
      from,
      to,
      points: all.data as Point[],
      networks: networks.map((n) => n.data as Point[]),
    }
  })
  watch([hours, id], () => {
    zoom.value = undefined
    void reload()
  })
  useRefresh(() => !zoom.value && void reload(), REFRESH_MS)

  const range = computed(
    () => zoom.value ?? ([data.value?.from ?? 0, data.value?.to ?? 0] as [number, number]),
  )
  const graph = computed(() => toGraph(data.value?.points ?? [], WANTED, ...range.value))
  const networks = computed(() =>
    cards.value.map((card, i) => {
      const keys = CARD.map((stat) => `net_usage_bps_${card}.${stat}`)
      const points = data.value?.networks[i] ?? []
      return { card, keys, graph: toGraph(points, keys, ...range.value) }
    }),
  )
  return { hours, zoom, data, error, loading, reload, graph, networks }
}
