import { ref, shallowRef } from 'vue'
import { asApiError, type ApiError } from '@/api/error'

/**
 * What a form sends: whether it is under way, and why it failed. `explain` answers true for an error that
 * the form tells in its own words; there is no failure to show then.
 */
export function useSubmit(explain: (error: ApiError) => boolean = () => false) {
  const busy = ref(false)
  const failure = shallowRef<ApiError>()

  /** Does the work unless some is under way. Never throws: what the work throws becomes the failure. */
  async function submit(work: () => Promise<unknown>): Promise<void> {
    if (busy.value) return
    busy.value = true
    failure.value = undefined
    try {
      await work()
    } catch (thrown) {
      const error = asApiError(thrown)
      if (!explain(error)) failure.value = error
    }
    busy.value = false
  }
  return { busy, failure, submit }
}
