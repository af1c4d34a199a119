import { defineStore } from 'pinia'
import { ref } from 'vue'

/** Clients chosen on one page for work on another: too many for an address. */
export const useSelection = defineStore('selection', () => {
  const clientIds = ref<string[]>([])

  function put(ids: string[]) {
    clientIds.value = ids
  }
  /** What was chosen; it is for one use. */
  function take(): string[] {
    const ids = clientIds.value
    clientIds.value = []
    return ids
  }
  return { clientIds, put, take }
})
