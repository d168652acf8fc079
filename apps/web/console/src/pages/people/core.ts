// The three core fields of a person, as they are typed and sent, and where the server says that they are wrong.
import { Problem } from '@api'
import { textOf } from '@shared/texts'

export interface Core {
  name: string
  phone: string
  identity: string
}
export const FIELDS = ['name', 'phone', 'identity'] as const
export type CoreMistakes = Partial<Record<keyof Core, string>>

export function emptyCore(): Core {
  return { name: '', phone: '', identity: '' }
}

/** Return the fields that were filled; those left empty are not touched. */
export function givenOf(core: Core): Partial<Core> {
  return Object.fromEntries(FIELDS.map((field) => [field, core[field].trim()]).filter(([, value]) => value))
}

/** Return what the server says of each field; nothing when it complains about something else. */
export function mistakesOf(error: unknown): CoreMistakes {
  if (!(error instanceof Problem)) return {}
  const found: CoreMistakes = {}
  for (const mistake of error.errors) {
    const field = FIELDS.find((each) => mistake.place === `body.${each}`)
    if (field) found[field] = textOf(String(mistake['problem'] ?? error.code))
  }
  return found
}
