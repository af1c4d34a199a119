// A file for clients, as POST /files takes it, and what /ws/uploads tells of it.
import { anyTarget, noTargets, toFields, type Targets } from '@/components/targets/targets'

export type Existing = 'keep' | 'sync' | 'force'

export interface UploadForm {
  file: File | undefined
  dest: string
  mode: string
  user: string
  group: string
  existing: Existing
  targets: Targets
}

export const emptyUpload = (): UploadForm => ({
  file: undefined,
  dest: '',
  mode: '',
  user: '',
  group: '',
  existing: 'keep',
  targets: noTargets(),
})

export const isAbsolute = (path: string) => /^(\/|[A-Za-z]:[\\/]|\\\\)/.test(path)
export const isMode = (mode: string) => mode === '' || /^[0-7]{1,4}$/.test(mode)
export const isReady = (f: UploadForm) =>
  f.file !== undefined && isAbsolute(f.dest) && isMode(f.mode) && anyTarget(f.targets)

export function toFormData(f: UploadForm): FormData {
  const data = new FormData()
  const { client_ids, group_ids, tags } = toFields(f.targets)
  for (const id of client_ids ?? []) data.append('client_id', id)
  for (const id of group_ids ?? []) data.append('group_id', id)
  if (tags) data.append('tags', JSON.stringify(tags))
  data.append('dest', f.dest)
  for (const key of ['mode', 'user', 'group'] as const) if (f[key] !== '') data.append(key, f[key])
  if (f.existing !== 'keep') data.append(f.existing, 'true')
  if (f.file) data.append('upload', f.file, f.file.name)
  return data
}

export interface UploadResult {
  client_id: string
  uuid: string
  filepath: string
  message: string
  status: string
}

const LINE_MAX = 20_000

/** Undefined for what is not a result. */
export function parseResult(text: unknown): UploadResult | undefined {
  if (typeof text !== 'string' || text.length > LINE_MAX) return undefined
  try {
    const value = JSON.parse(text) as Record<string, unknown> | null
    if (typeof value?.client_id !== 'string') return undefined
    const word = (key: string) => (typeof value[key] === 'string' ? value[key] : '')
    return {
      client_id: value.client_id,
      uuid: word('uuid'),
      filepath: word('filepath'),
      message: word('message'),
      status: word('status'),
    }
  } catch {
    return undefined
  }
}
