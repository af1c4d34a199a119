// POST /files with progress, which fetch does not tell.
import { API_BASE, SESSION_HEADER } from '@/api/client'
import { asApiError, errorFrom } from '@/api/error'
import type { Schemas } from '@/api/types'

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
      if (request.status !== 200) return reject(errorFrom(request.status, request.responseText))
      try {
        resolve((JSON.parse(request.responseText) as { data: Schemas['File'] }).data)
      } catch (thrown) {
        reject(asApiError(thrown))
      }
    }
    request.send(data)
  })
}
