import { nextTick, ref } from 'vue'

const PAGE = 10

interface Parts {
  count: () => number
  box: () => HTMLElement | null | undefined
  /** Brings a row into view (it may not be in the page yet). */
  reveal: (index: number) => void
  open: (index: number) => void
  toggle: (index: number) => void
}

/** Arrow keys, Page, Home and End move between rows; Enter opens, Space selects. */
export function useRowKeys(parts: Parts) {
  const active = ref(0)

  async function moveTo(index: number) {
    active.value = Math.max(0, Math.min(parts.count() - 1, index))
    parts.reveal(active.value)
    await nextTick()
    const find = () =>
      parts.box()?.querySelector<HTMLElement>(`[role="row"][data-index="${active.value}"]`)
    const row = find()
    if (row) row.focus()
    else requestAnimationFrame(() => find()?.focus())
  }

  function onKey(event: KeyboardEvent) {
    const target = event.target as HTMLElement
    // Keys in a button or an input of a row are theirs.
    if (target.getAttribute('role') !== 'row') return
    const steps: Record<string, () => unknown> = {
      ArrowDown: () => moveTo(active.value + 1),
      ArrowUp: () => moveTo(active.value - 1),
      PageDown: () => moveTo(active.value + PAGE),
      PageUp: () => moveTo(active.value - PAGE),
      Home: () => moveTo(0),
      End: () => moveTo(parts.count() - 1),
      Enter: () => parts.open(active.value),
      ' ': () => parts.toggle(active.value),
    }
    const step = steps[event.key]
    if (!step || event.altKey || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    void step()
  }

  return { active, onKey }
}
