// Rules of a client group: between the form, the API and the filter that previews them.
import type { Filter } from '@/api/query'
import type { Schemas } from '@/api/types'
import { clientGroups } from '@/texts'

export type RuleField = keyof typeof clientGroups.fields
export interface Rule {
  field: RuleField
  values: string[]
  /** All of the tags. */
  all: boolean
}
type Params = Schemas['ClientGroupParams']

export const RULE_FIELDS = Object.keys(clientGroups.fields) as RuleField[]
const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((v): v is string => typeof v === 'string') : []

/** tag may be a list, {and: […]} or {or: […]}. */
function tagRule(value: unknown): Pick<Rule, 'values' | 'all'> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { values: texts(value), all: false }
  const { and, or } = value as { and?: unknown; or?: unknown }
  return and === undefined ? { values: texts(or), all: false } : { values: texts(and), all: true }
}

export function toRules(params: Params | null | undefined): Rule[] {
  const given = (params ?? {}) as Record<string, unknown>
  return RULE_FIELDS.map((field) =>
    field === 'tag'
      ? { field, ...tagRule(given[field]) }
      : { field, values: texts(given[field]), all: false },
  ).filter((rule) => rule.values.length > 0)
}

export function toParams(rules: Rule[]): Params {
  const params: Record<string, unknown> = {}
  for (const rule of rules) {
    if (rule.values.length === 0) continue
    params[rule.field] = rule.field === 'tag' && rule.all ? { and: rule.values } : rule.values
  }
  return params as Params
}

const NAMES: Partial<Record<RuleField, string>> = { client_id: 'id', tag: 'tags' }

/** As filters of the list of clients; none: no client belongs. */
export function toFilters(rules: Rule[]): Filter[] {
  return rules
    .filter((rule) => rule.values.length > 0)
    .map(({ field, values, all }) => ({
      field: NAMES[field] ?? field,
      values,
      all: all && field === 'tag',
    }))
}

export const isGroupId = (id: string) => /^[A-Za-z0-9_*-]{1,30}$/.test(id)
