import { onScopeDispose, ref } from 'vue'
import { keepSocket } from '@/api/socket'
import { parseResult, sendFile, type UploadResult } from '@/api/upload'

/** Sends files to clients, and hears how clients take their files, whoever sent them. */
export function useUpload(onResult: (result: UploadResult) => void) {
  /** How much of the file under way the server has, from 0 to 1. */
  const share = ref(0)
  const results = keepSocket('/ws/uploads', (data) => {
    const result = parseResult(data)
    if (result) onResult(result)
  })
  onScopeDispose(results.close)

  /** Results are listened for first: one may come before the answer. */
  async function send(form: FormData) {
    share.value = 0
    await results.ready()
    return await sendFile(form, (now) => (share.value = now))
  }
  return { share, send }
}
