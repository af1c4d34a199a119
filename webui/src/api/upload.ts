// POST /files with progress, which fetch does not tell, and what /ws/uploads tells afterwards.
import { API_BASE, refusal, SESSION_HEADER } from './client'
import { asApiError } from './error'
import type { Schemas } from './types'

export function sendFile(
  data: FormData,
  onProgress: (share: number) => void,
): Promise<Schemas['File']> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', `${API_BASE}/files`)
    for (const [name, value] of Object.entries(SESSION_HEADER))
      request.setRequestHeader(name, value)
    request.upload.onprogress = (e) => e.lengthComputable && onProgress(e.loaded / e.total)
    request.onerror = () => reject(asApiError(new Error(request.statusText)))
    request.onload = () => {
      if (request.status !== 200) return reject(refusal(request.status, request.responseText))
      try {
        resolve((JSON.parse(request.responseText) as { data: Schemas['File'] }).data)
      } catch (thrown) {
        reject(asApiError(thrown))
      }
    }
    request.send(data)
  })
}

/** How a client took a file. */
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
