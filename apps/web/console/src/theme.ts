// Light, dark, or as the system has it.
import { ref, watchEffect } from 'vue'

export type Theme = 'light' | 'dark' | 'system'
const KEPT = 'openberth.theme'
const kept = localStorage.getItem(KEPT)
const systemDark = matchMedia('(prefers-color-scheme: dark)')

export const theme = ref<Theme>(kept === 'light' || kept === 'dark' ? kept : 'system')
export const isDark = ref(systemDark.matches)

function apply(): void {
  isDark.value = theme.value === 'dark' || (theme.value === 'system' && systemDark.matches)
  document.documentElement.classList.toggle('dark', isDark.value)
}

systemDark.addEventListener('change', apply)
watchEffect(() => {
  localStorage.setItem(KEPT, theme.value)
  apply()
})
