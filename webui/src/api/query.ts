// The query language of the API's lists (filter, sort, fields, page).

export type Operator = 'gt' | 'lt' | 'since' | 'until'

export interface Filter {
  /** Column, or several of which any may match. */
  field: string | string[]
  /** None: equal, * stands for any text, letters large and small alike in lists of clients. */
  op?: Operator
  values: string[]
  /** All values have to match (only lists that are in memory); else any of them. */
  all?: boolean
}

export interface ListQuery {
  filters?: Filter[]
  /** Field names; a minus before it means descending. */
  sort?: string[]
  /** By resource: {clients: ['id', 'name']}. */
  fields?: Record<string, string[]>
  limit?: number
  offset?: number
}

export type QueryValue = string | number | boolean | undefined
export type Query = Record<string, QueryValue | QueryValue[]>

// A comma separates values and cannot be quoted: in a value that may have *, * takes its place.
function filterValue(value: string): string {
  return value.trim().replaceAll(',', '*')
}

function filterText(filter: Filter): string {
  const text = filter.values.map(filterValue).join(',')
  return filter.all && filter.values.length > 1 ? `and(${text})` : text
}

function filterKey(filter: Filter): string {
  const field = Array.isArray(filter.field) ? filter.field.join('|') : filter.field
  return filter.op ? `filter[${field}][${filter.op}]` : `filter[${field}]`
}

/** As parameters for api.get. */
export function listQuery(list: ListQuery): Query {
  const query: Query = {}
  for (const filter of list.filters ?? []) {
    if (filter.values.length === 0) continue
    const key = filterKey(filter)
    const before = query[key]
    // The server joins two of the same key by "or".
    query[key] = before === undefined ? filterText(filter) : [before, filterText(filter)].flat()
  }
  if (list.sort?.length) query.sort = list.sort
  for (const [resource, names] of Object.entries(list.fields ?? {}))
    query[`fields[${resource}]`] = names.join(',')
  if (list.limit !== undefined) query['page[limit]'] = list.limit
  if (list.offset !== undefined) query['page[offset]'] = list.offset
  return query
}

/** '?a=b&…', or nothing. */
export function queryText(query: Query | undefined): string {
  const params = new URLSearchParams()
  for (const [key, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined) params.append(key, String(one))
  }
  const text = params.toString()
  return text === '' ? '' : `?${text}`
}
