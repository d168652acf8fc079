// The app's texts, from the one catalogue of the server; both languages travel with the app.
import { filled, language, type Language, type Params, useTexts } from '@openberth/shared/texts'
import en from '@openberth/shared/texts/app.en.json'
import zh from '@openberth/shared/texts/app.zh.json'

export { language, type Language }
/** A code of the catalogue that the app knows. */
export type Code = keyof typeof zh

const TEXTS: Readonly<Record<Language, Record<Code, string>>> = { zh, en }

/** Return the text of a code in the reader's language. */
export function t(code: Code, params: Params = {}): string {
  return filled(TEXTS[language.value][code], params)
}

/** Return the text of a code that is put together of values, or of another one when the catalogue has none. */
export function tOr(code: string, otherwise: Code, params: Params = {}): string {
  return t(code in zh ? (code as Code) : otherwise, params)
}

/** Show everything in this language from now on. */
export function speak(next: Language): void {
  useTexts(next, TEXTS[next])
}

/** Return a name of both languages in the reader's. */
export function nameIn(name: Readonly<Record<Language, string>>): string {
  return name[language.value]
}

/** Return how money was paid, in words. */
export function channelText(channel: string): string {
  return tOr(`app.channel.${channel}`, 'app.channel.other')
}
