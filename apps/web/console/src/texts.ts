// The console's texts, with codes that the type checker knows; the texts of a language are fetched when it is shown.
import { hasText, language, textOf, useTexts, type Language, type Params } from '@shared/texts'
import type zh from '@shared/texts/console.zh.json'

export { language, hasText }
export type Code = keyof typeof zh
const KEPT = 'openberth.language'

const loads = {
  zh: () => import('@shared/texts/console.zh.json'),
  en: () => import('@shared/texts/console.en.json'),
}

/** Return a text in the language that is shown. */
export function t(code: Code, params?: Params): string {
  return textOf(code, params)
}

/** Return the text of a word that the server said, such as a state: `console.state.open`; the word when there is none. */
export function said(prefix: string, word: string | null | undefined): string {
  if (!word) return ''
  const code = `${prefix}.${word}`
  return hasText(code) ? textOf(code) : word
}

/** Return a name that comes in both languages, such as that of a lot, in the one that is shown. */
export function nameOf(name: { zh?: string | null; en?: string | null } | null | undefined): string {
  if (!name) return ''
  return (language.value === 'zh' ? name.zh || name.en : name.en || name.zh) ?? ''
}

/** Return words as a list in a sentence. */
export function listed(words: readonly string[]): string {
  return words.join(language.value === 'zh' ? '、' : ', ')
}

/** Show everything in a language, and remember it. */
export async function speak(next: Language): Promise<void> {
  const texts = (await loads[next]()).default
  useTexts(next, texts)
  document.documentElement.lang = next
  localStorage.setItem(KEPT, next)
}

/** Return the language chosen before, else the browser's. */
export function firstLanguage(): Language {
  const kept = localStorage.getItem(KEPT)
  if (kept === 'zh' || kept === 'en') return kept
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en'
}
