import { defineStore } from 'pinia'
import { computed, ref, watchEffect } from 'vue'
import { usePreference } from '@/composables/usePreference'

export type ThemeChoice = 'light' | 'dark' | 'system'

/** Light, dark, or as the system says; written on the root element for the styles. */
export const useTheme = defineStore('theme', () => {
  const choice = usePreference<ThemeChoice>('theme', 'system')
  const media = window.matchMedia('(prefers-color-scheme: dark)')
  const systemDark = ref(media.matches)
  media.addEventListener('change', (event) => (systemDark.value = event.matches))
  const dark = computed(() =>
    choice.value === 'system' ? systemDark.value : choice.value === 'dark',
  )
  watchEffect(() => (document.documentElement.dataset.theme = dark.value ? 'dark' : 'light'))
  return { choice, dark }
})
