import { onScopeDispose, ref, shallowRef, type Ref } from 'vue'
import { asApiError, type ApiError } from '@/api/error'

export interface Load<T> {
  data: Ref<T | undefined>
  error: Ref<ApiError | undefined>
  /** True from the call until the answer; data of before stays in the meantime. */
  loading: Ref<boolean>
  /** Asks (again); a call under way is given up. */
  reload: () => Promise<void>
}

/** What a page shows of one call: its data, its error, and whether it is under way. */
export function useLoad<T>(ask: (signal: AbortSignal) => Promise<T>, now = true): Load<T> {
  const data = shallowRef<T>()
  const error = shallowRef<ApiError>()
  const loading = ref(now)
  let running: AbortController | undefined

  async function reload() {
    running?.abort()
    const own = new AbortController()
    running = own
    loading.value = true
    try {
      const answer = await ask(own.signal)
      if (running !== own) return
      data.value = answer
      error.value = undefined
    } catch (thrown) {
      if (running !== own) return
      error.value = asApiError(thrown)
    }
    loading.value = false
  }
  onScopeDispose(() => {
    running?.abort()
    running = undefined
  })
  if (now) void reload()
  return { data, error, loading, reload }
}
