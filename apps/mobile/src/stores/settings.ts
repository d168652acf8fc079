import { defineStore } from 'pinia'
import { ref } from 'vue'

import { keep, kept } from '@/lib/kept'
import { type Language, speak, t } from '@/lib/texts'

const NAME = 'settings'
const LARGE_FROM = 1.25

interface Kept {
  language: Language | null
  large: boolean | null
}

/** How the app looks and speaks: chosen here, otherwise as the phone is set. */
export const useSettings = defineStore('settings', () => {
  const chosen = kept<Kept>(NAME) ?? { language: null, large: null }
  const language = ref<Language | null>(chosen.language)
  const large = ref(chosen.large ?? systemIsLarge())
  const largeChosen = ref(chosen.large)
  const dark = ref(isDark())

  function apply(): void {
    const next = language.value ?? systemLanguage()
    speak(next)
    // #ifdef H5
    document.documentElement.lang = next === 'zh' ? 'zh-CN' : 'en'
    // #endif
    nameTabs()
  }

  function chooseLanguage(next: Language): void {
    language.value = next
    remember()
    apply()
  }

  function chooseLarge(next: boolean): void {
    large.value = next
    largeChosen.value = next
    remember()
  }

  function followSystem(): void {
    dark.value = isDark()
    if (largeChosen.value === null) large.value = systemIsLarge()
  }

  function remember(): void {
    keep(NAME, { language: language.value, large: largeChosen.value } satisfies Kept)
  }

  uni.onThemeChange?.((change) => {
    dark.value = change.theme === 'dark'
  })
  return { language, large, dark, apply, chooseLanguage, chooseLarge, followSystem }
})

/** Name the tabs; before they are there, or on a page without them, that fails and is of no account. */
export function nameTabs(): void {
  const texts = [t('app.tab.home'), t('app.tab.history'), t('app.tab.me')]
  texts.forEach((text, index) => uni.setTabBarItem({ index, text, fail: () => undefined }))
}

function systemLanguage(): Language {
  return uni.getLocale().startsWith('en') ? 'en' : 'zh'
}

function isDark(): boolean {
  // #ifdef H5
  return window.matchMedia('(prefers-color-scheme: dark)').matches
  // #endif
  // #ifndef H5
  return uni.getAppBaseInfo().theme === 'dark'
  // #endif
}

function systemIsLarge(): boolean {
  // #ifdef MP-WEIXIN
  const info = uni.getAppBaseInfo() as unknown as { fontSizeScaleFactor?: number }
  return (info.fontSizeScaleFactor ?? 1) >= LARGE_FROM
  // #endif
  // #ifndef MP-WEIXIN
  return false
  // #endif
}
