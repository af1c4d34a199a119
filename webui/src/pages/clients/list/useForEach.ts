import { ref } from 'vue'
import { asApiError, type ApiError } from '@/api/error'

export interface Failed {
  id: string
  error: ApiError
}

const AT_ONCE = 4

/** Calls work for each of many, a few at a time. One that fails does not stop the others. */
export function useForEach(work: (id: string) => Promise<unknown>) {
  const busy = ref(false)
  const finished = ref(0)
  const failed = ref<Failed[]>([])

  /** Answers for how many it was done. */
  async function run(ids: string[]): Promise<number> {
    const waiting = [...ids]
    const wrong: Failed[] = []
    busy.value = true
    finished.value = 0
    async function worker() {
      for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
        try {
          await work(id)
        } catch (thrown) {
          wrong.push({ id, error: asApiError(thrown) })
        }
        finished.value += 1
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    failed.value = wrong
    busy.value = false
    return ids.length - wrong.length
  }
  return { busy, finished, failed, run }
}
