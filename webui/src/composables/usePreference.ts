import { ref, watch, type Ref } from 'vue'

const PREFIX = 'rport.'

function read<T>(name: string, fallback: T): T {
  try {
    const text = localStorage.getItem(PREFIX + name)
    return text === null ? fallback : (JSON.parse(text) as T)
  } catch {
    return fallback
  }
}

/** Tells what another page of this browser remembers under the name from now on. */
export function whenChangedElsewhere<T>(name: string, fallback: T, tell: (now: T) => void): void {
  window.addEventListener('storage', ({ key }) => {
    if (key === PREFIX + name) tell(read(name, fallback))
  })
}

/** Remembered in this browser: only how things look, never anything secret. */
export function usePreference<T>(name: string, fallback: T): Ref<T> {
  const value = ref(read(name, fallback)) as Ref<T>
  watch(
    value,
    (now) => {
      try {
        localStorage.setItem(PREFIX + name, JSON.stringify(now))
      } catch {
        // A full or forbidden store only costs the memory of it.
      }
    },
    { deep: true },
  )
  return value
}
