// Commands and scripts of the library as one kind of thing.
import { api } from '@/api/client'
import { listQuery } from '@/api/query'
import { fromBase64, toBase64 } from '@/composables/base64'
import { library } from '@/texts'

export type Kind = 'commands' | 'scripts'

export interface Entry {
  id: string
  name: string
  tags: string[]
  /** The command line, or the text of the script. */
  what: string
  interpreter: string
  cwd: string
  sudo: boolean
  timeout: number
  updatedAt: string
  updatedBy: string
}

export interface EntryForm {
  name: string
  tags: string[]
  what: string
  interpreter: string
  cwd: string
  sudo: boolean
  timeout: string
}

const AT_ONCE = 100
const TIMEOUT = 60

interface Answered {
  id?: string | null
  name?: string | null
  tags?: string[] | null
  cmd?: string | null
  script?: string | null
  interpreter?: string | null
  cwd?: string | null
  is_sudo?: boolean | null
  timeout_sec?: number | null
  updated_at?: string | null
  updated_by?: string | null
}

function entryOf(data: Answered): Entry {
  return {
    id: data.id ?? '',
    name: data.name ?? '',
    tags: data.tags ?? [],
    what: data.cmd ?? fromBase64(data.script ?? ''),
    interpreter: data.interpreter ?? '',
    cwd: data.cwd ?? '',
    sudo: data.is_sudo ?? false,
    timeout: data.timeout_sec || TIMEOUT,
    updatedAt: data.updated_at ?? '',
    updatedBy: data.updated_by ?? '',
  }
}

const COMMON = ['id', 'name', 'tags', 'timeout_sec', 'updated_at', 'updated_by']
const COMMAND = [...COMMON, 'cmd']
const SCRIPT = [...COMMON, 'script', 'interpreter', 'cwd', 'is_sudo']

async function page(kind: Kind, offset: number, signal: AbortSignal) {
  const list = { sort: ['name'], limit: AT_ONCE, offset }
  if (kind === 'commands') {
    const query = listQuery({ ...list, fields: { commands: COMMAND } })
    return await api.get('/library/commands', { query, signal })
  }
  const query = listQuery({ ...list, fields: { scripts: SCRIPT } })
  return await api.get('/library/scripts', { query, signal })
}

/** All entries by name. */
export async function entries(kind: Kind, signal: AbortSignal): Promise<Entry[]> {
  const all: Entry[] = []
  for (;;) {
    const { data, meta } = await page(kind, all.length, signal)
    all.push(...data.map(entryOf))
    if (data.length === 0 || all.length >= meta.count) return all
  }
}

export const formOf = (entry?: Entry): EntryForm => ({
  name: entry?.name ?? '',
  tags: [...(entry?.tags ?? [])],
  what: entry?.what ?? '',
  interpreter: entry?.interpreter ?? '',
  cwd: entry?.cwd ?? '',
  sudo: entry?.sudo ?? false,
  timeout: String(entry?.timeout ?? TIMEOUT),
})

export function commandBody(form: EntryForm) {
  return {
    name: form.name.trim(),
    cmd: form.what.trim(),
    tags: form.tags,
    timeout_sec: Number(form.timeout),
  }
}

export function scriptBody(form: EntryForm) {
  return {
    name: form.name.trim(),
    script: toBase64(form.what),
    tags: form.tags,
    timeout_sec: Number(form.timeout),
    interpreter: form.interpreter.trim(),
    cwd: form.cwd.trim(),
    is_sudo: form.sudo,
  }
}

/** Adds an entry, or changes the one with that id. */
export async function save(kind: Kind, form: EntryForm, id?: string): Promise<void> {
  if (kind === 'commands') {
    const body = commandBody(form)
    if (id) await api.put('/library/commands/{id}', { path: { id }, body })
    else await api.post('/library/commands', { body })
    return
  }
  const body = scriptBody(form)
  if (id) await api.put('/library/scripts/{id}', { path: { id }, body })
  else await api.post('/library/scripts', { body })
}

export const remove = (kind: Kind, id: string) =>
  kind === 'commands'
    ? api.delete('/library/commands/{id}', { path: { id } })
    : api.delete('/library/scripts/{id}', { path: { id } })

/** By a part of the name or of what it runs, and by tag. */
export function matching(list: Entry[], text: string, tag: string): Entry[] {
  const wanted = text.trim().toLowerCase()
  return list.filter(
    (entry) =>
      (tag === '' || entry.tags.includes(tag)) &&
      (wanted === '' || `${entry.name}\n${entry.what}`.toLowerCase().includes(wanted)),
  )
}

export const tagsOf = (list: Entry[]) =>
  [...new Set(list.flatMap((entry) => entry.tags))].sort((a, b) => a.localeCompare(b))

/** The interpreter in words. */
export const interpreterOf = (entry: Entry) => entry.interpreter || library.system
