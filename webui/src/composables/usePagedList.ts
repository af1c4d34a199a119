import { computed, ref, watch, type ComputedRef, type Ref } from 'vue'
import { useLoad, type Load } from './useLoad'
import { listQuery, type Filter, type Query } from '@/api/query'

/** What the API answers for one page of a list. */
export interface Page<Row> {
  data: Row[]
  meta: { count: number }
}

export interface PagedList<Row> extends Omit<Load<Page<Row>>, 'data'> {
  rows: ComputedRef<Row[]>
  /** How many rows there are on all pages. */
  total: ComputedRef<number>
  sort: Ref<string>
  offset: Ref<number>
  limit: Ref<number>
}

export interface ListStart {
  sort: string
  limit: number
  fields?: Record<string, string[]>
  /** Asked for each call; when what it looks at changes, the list begins anew. */
  filters?: () => Filter[]
  /** False: nothing is asked until reload(). */
  now?: boolean
}

/** A list of the API, sorted, filtered and by pages, as PagedTable shows it. */
export function usePagedList<Row>(
  ask: (query: Query, signal: AbortSignal) => Promise<Page<Row>>,
  { sort: firstSort, limit: firstLimit, fields, filters = () => [], now }: ListStart,
): PagedList<Row> {
  const sort = ref(firstSort)
  const offset = ref(0)
  const limit = ref(firstLimit)
  const { data, ...load } = useLoad((signal) => {
    const page = { sort: [sort.value], limit: limit.value, offset: offset.value }
    return ask(listQuery({ filters: filters(), fields, ...page }), signal)
  }, now)

  watch([filters, sort], () => {
    if (offset.value === 0) void load.reload()
    else offset.value = 0
  })
  watch([offset, limit], () => void load.reload())
  // The last rows of the last page may have gone.
  watch(data, (page) => {
    const end = page?.meta.count ?? 0
    if (offset.value > 0 && offset.value >= end)
      offset.value = Math.max(0, Math.ceil(end / limit.value) - 1) * limit.value
  })
  return {
    rows: computed(() => data.value?.data ?? []),
    total: computed(() => data.value?.meta.count ?? 0),
    sort,
    offset,
    limit,
    ...load,
  }
}
