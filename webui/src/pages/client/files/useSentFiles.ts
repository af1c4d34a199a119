import { ref } from 'vue'
import type { UploadResult } from '@/api/upload'
import { useUpload } from '@/composables/useUpload'

export type SentState = 'server' | 'client' | 'success' | 'ignored' | 'error'
export interface SentFile {
  /** Until the server has named it: a number of ours. */
  key: number
  uuid?: string
  path: string
  size: number
  state: SentState
  message: string
}

function settle(file: SentFile, { status, message }: UploadResult) {
  file.state = status === 'success' || status === 'ignored' ? status : 'error'
  file.message = message
}

/** The files sent to one client from this page, and what became of each. */
export function useSentFiles(clientId: () => string) {
  const files = ref<SentFile[]>([])
  // A result may come before the answer that names the upload.
  const early = new Map<string, UploadResult>()
  let last = 0
  const upload = useUpload((result) => {
    if (result.client_id !== clientId()) return
    const file = files.value.find((one) => one.uuid === result.uuid)
    if (file) settle(file, result)
    else if (files.value.some((one) => one.state === 'server')) early.set(result.uuid, result)
  })

  async function send(form: FormData, path: string, size: number) {
    last += 1
    files.value.unshift({ key: last, path, size, state: 'server', message: '' })
    const file = files.value[0]
    if (!file) return
    try {
      const { uuid } = await upload.send(form)
      file.uuid = uuid
      file.state = 'client'
      const result = early.get(uuid)
      if (result) settle(file, result)
    } catch (error) {
      files.value = files.value.filter((one) => one.key !== file.key)
      throw error
    } finally {
      early.clear()
    }
  }
  return { files, share: upload.share, send }
}
