import { ref } from 'vue'
import type { UploadResult } from '@/api/upload'
import { useUpload } from '@/composables/useUpload'

export interface Received extends UploadResult {
  at: string
}

// The oldest give way: the list is for looking on, the audit log for looking back.
const KEPT_MAX = 1000

/** What clients tell of the files they got while the page is open, the newest first. */
export function useReceived() {
  const results = ref<Received[]>([])
  const { share, send } = useUpload((result) => {
    const received = { ...result, at: new Date().toISOString() }
    results.value = [received, ...results.value].slice(0, KEPT_MAX)
  })
  return { results, clear: () => (results.value = []), share, send }
}
