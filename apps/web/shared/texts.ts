// Texts of the one catalogue (zh and en), as the server fills them: `{name}`, and `{count:car|cars}` with the word for
// one or for more. No message compiler: a mini-program allows none.
import { ref, shallowRef } from 'vue'

export type Language = 'zh' | 'en'
export type Texts = Readonly<Record<string, string>>
export type Params = Readonly<Record<string, string | number | null | undefined>>

const PLACE = /\{([a-z][a-z0-9_]*)(?::([^|{}]+)\|([^|{}]+))?\}/g

/** The language in which everything is shown now. */
export const language = ref<Language>('zh')
const known = shallowRef<Texts>({})

/** Show texts of this language from now on. */
export function useTexts(next: Language, texts: Texts): void {
  known.value = texts
  language.value = next
}

/** Return the text of a code with its parameters; an unknown code shows itself, a missing parameter stays visible. */
export function textOf(code: string, params: Params = {}): string {
  const found = known.value[code]
  return found === undefined ? code : filled(found, params)
}

/** Tell whether a code has a text. */
export function hasText(code: string): boolean {
  return code in known.value
}

/** Return the codes that have a text. */
export function codesKnown(): string[] {
  return Object.keys(known.value)
}

/** Fill the places of a text. */
export function filled(text: string, params: Params): string {
  return text.replace(PLACE, (place, name: string, one?: string, more?: string) => {
    if (!(name in params)) return place
    const words = String(params[name] ?? '')
    return one === undefined ? words : `${words} ${words === '1' ? one : more}`
  })
}
