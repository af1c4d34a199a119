import { defineStore } from 'pinia'
import { ref } from 'vue'
import { asApiError } from '@/api/error'

export type ToastKind = 'ok' | 'info' | 'warn' | 'danger'
export interface Toast {
  id: number
  kind: ToastKind
  title: string
  text: string
}

const TOASTS_MAX = 5

/** Short messages about what was done; errors stay longer. */
export const useToasts = defineStore('toasts', () => {
  const list = ref<Toast[]>([])
  let last = 0

  function show(kind: ToastKind, title: string, text = '') {
    last += 1
    list.value = [...list.value, { id: last, kind, title, text }].slice(-TOASTS_MAX)
  }
  function dismiss(id: number) {
    list.value = list.value.filter((toast) => toast.id !== id)
  }
  const ok = (title: string, text?: string) => show('ok', title, text)
  /** What a call threw, with what to do about it. */
  function error(thrown: unknown) {
    const e = asApiError(thrown)
    show('danger', e.title, [e.detail, e.advice].filter(Boolean).join(' '))
  }
  return { list, show, ok, error, dismiss }
})
