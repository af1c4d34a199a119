import { onScopeDispose, ref } from 'vue'
import { api, openSocket } from '@/api/client'

export type UploadState = 'server' | 'client' | 'success' | 'ignored' | 'error'
export interface Upload {
  /** Until the server has named it: a number of ours. */
  key: number
  uuid?: string
  path: string
  size: number
  state: UploadState
  message: string
}

interface Result {
  uuid?: unknown
  client_id?: unknown
  status?: unknown
  message?: unknown
}

/** Sends files to one client and follows what becomes of them over /ws/uploads. */
export function useUpload(clientId: () => string) {
  const uploads = ref<Upload[]>([])
  // A result may come before the answer that names the upload.
  const early = new Map<string, Result>()
  let socket: WebSocket | undefined
  let last = 0

  function settle(upload: Upload, result: Result) {
    const status = String(result.status)
    upload.state = status === 'success' || status === 'ignored' ? status : 'error'
    upload.message = typeof result.message === 'string' ? result.message : ''
  }
  function take(text: unknown) {
    try {
      const result = JSON.parse(String(text)) as Result
      if (result.client_id !== clientId() || typeof result.uuid !== 'string') return
      const upload = uploads.value.find((one) => one.uuid === result.uuid)
      if (upload) settle(upload, result)
      else early.set(result.uuid, result)
    } catch {
      // Not a message of ours.
    }
  }
  /** Resolves when the results of what is sent next will be heard. */
  function listen(): Promise<void> {
    if (socket?.readyState === WebSocket.OPEN) return Promise.resolve()
    const own = openSocket('/ws/uploads')
    socket = own
    own.onmessage = (event) => take(event.data)
    return new Promise((resolve) => {
      own.onopen = () => resolve()
      own.onclose = () => resolve()
    })
  }

  async function send(form: FormData, path: string, size: number) {
    last += 1
    uploads.value.unshift({ key: last, path, size, state: 'server', message: '' })
    const upload = uploads.value[0]
    if (!upload) return
    try {
      await listen()
      const { data } = await api.post('/files', { body: form })
      upload.uuid = data.uuid
      upload.state = 'client'
      const result = early.get(data.uuid)
      if (result) settle(upload, result)
    } catch (error) {
      uploads.value = uploads.value.filter((one) => one.key !== upload.key)
      throw error
    }
  }
  onScopeDispose(() => socket?.close())
  return { uploads, send }
}
