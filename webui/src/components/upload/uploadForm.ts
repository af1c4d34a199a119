// A file for clients, as POST /files takes it.
import { anyTarget, noTargets, toFields, type Targets } from '@/components/targets/targets'

/** What becomes of a file that is there already. */
export const EXISTING = ['keep', 'sync', 'force'] as const
export type Existing = (typeof EXISTING)[number]

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

export const isAbsolute = (path: string) => /^(\/|[A-Za-z]:[\\/]|\\\\)./.test(path.trim())
export const isMode = (mode: string) => /^[0-7]{0,4}$/.test(mode.trim())
export const isReady = (f: UploadForm) =>
  f.file !== undefined && isAbsolute(f.dest) && isMode(f.mode) && anyTarget(f.targets)

export function toFormData(f: UploadForm): FormData {
  const data = new FormData()
  const { client_ids, group_ids, tags } = toFields(f.targets)
  for (const id of client_ids ?? []) data.append('client_id', id)
  for (const id of group_ids ?? []) data.append('group_id', id)
  if (tags) data.append('tags', JSON.stringify(tags))
  data.append('dest', f.dest.trim())
  for (const key of ['mode', 'user', 'group'] as const)
    if (f[key].trim() !== '') data.append(key, f[key].trim())
  if (f.existing !== 'keep') data.append(f.existing, 'true')
  if (f.file) data.append('upload', f.file, f.file.name)
  return data
}
