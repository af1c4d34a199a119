// What the list of clients shows: search, filters, sorting. It stands in the page's address, can be
// saved under a name, and becomes a query of the API.
import type { LocationQuery } from 'vue-router'
import type { Filter, ListQuery } from '@/api/query'
import { clients } from '@/texts'

export type FilterField = keyof typeof clients.filters.fields
export interface ClientFilter {
  field: FilterField
  values: string[]
  /** All values instead of any; only for fields of several values. */
  all?: boolean
}
export interface ClientView {
  text: string
  filters: ClientFilter[]
  sort: string
}

export const FIELDS = Object.keys(clients.filters.fields) as FilterField[]
/** A client has several of these: "all of" makes sense. */
export const SEVERAL: FilterField[] = ['tags', 'labels', 'groups', 'ipv4', 'ipv6']
export const DEFAULT_SORT = 'name'
const SORTS = ['id', 'name', 'os', 'hostname', 'version']
const SEARCHED = ['name', 'hostname', 'id', 'ipv4', 'ipv6', 'address', 'tags', 'labels']
const ALL_MARK = '.all'

export const emptyView = (): ClientView => ({ text: '', filters: [], sort: DEFAULT_SORT })
export const isFiltered = (view: ClientView) => view.text !== '' || view.filters.length > 0

/** Adds to a filter of the same field, or begins one. */
export function withFilter(view: ClientView, added: ClientFilter): ClientView {
  const before = view.filters.find((f) => f.field === added.field)
  if (added.values.length === 0) return view
  if (!before) return { ...view, filters: [...view.filters, added] }
  const merged = { ...added, values: [...new Set([...before.values, ...added.values])] }
  return { ...view, filters: view.filters.map((f) => (f === before ? merged : f)) }
}

export function withoutFilter(view: ClientView, field: string): ClientView {
  return { ...view, filters: view.filters.filter((f) => f.field !== field) }
}

/** Exactly this value for the field, or with none no filter of it. */
export function withOnly(view: ClientView, field: FilterField, value: string): ClientView {
  const others = withoutFilter(view, field)
  return value === '' ? others : withFilter(others, { field, values: [value] })
}

export const onlyValue = (view: ClientView, field: FilterField) =>
  view.filters.find((f) => f.field === field)?.values[0] ?? ''

export function chips(view: ClientView) {
  return view.filters
    .filter((f) => f.field !== 'connection_state')
    .map((f) => ({
      key: f.field as string,
      label: clients.filters.chip(clients.filters.fields[f.field], f.values, f.all ?? false),
    }))
}

/** The address: ?q=text&sort=-name&tags=a,b&tags.all=1. */
export function toAddress(view: ClientView): Record<string, string> {
  const query: Record<string, string> = {}
  if (view.text) query.q = view.text
  if (view.sort !== DEFAULT_SORT) query.sort = view.sort
  for (const filter of view.filters) {
    query[filter.field] = filter.values.map((v) => v.replaceAll(',', '*')).join(',')
    if (filter.all) query[filter.field + ALL_MARK] = '1'
  }
  return query
}

export function fromAddress(query: LocationQuery): ClientView {
  const text = (name: string) => (typeof query[name] === 'string' ? query[name] : '')
  const sort = text('sort')
  const filters = FIELDS.flatMap((field): ClientFilter[] => {
    const values = text(field)
      .split(',')
      .map((v) => v.trim())
      .filter(Boolean)
    if (values.length === 0) return []
    return [text(field + ALL_MARK) ? { field, values, all: true } : { field, values }]
  })
  return {
    text: text('q'),
    filters,
    sort: SORTS.includes(sort.replace(/^-/, '')) ? sort : DEFAULT_SORT,
  }
}

/** filter[…], sort of the API. */
export function toQuery(view: ClientView): Pick<ListQuery, 'filters' | 'sort'> {
  const filters: Filter[] = view.filters.map(({ field, values, all }) => ({
    field,
    values,
    all: all && SEVERAL.includes(field),
  }))
  const text = view.text.trim()
  if (text) filters.push({ field: SEARCHED, values: [`*${text}*`] })
  return { filters, sort: [view.sort] }
}
