// Number plates as they are typed: which keys there are at which place; and those that were
// typed here lately.
import { keep, kept } from '@/lib/kept'

const TYPED = 'plates'
const TYPED_MOST = 3

export const PROVINCES = [...'京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼'] as const
const DIGITS = [...'1234567890']
const LETTERS = [...'QWERTYUPASDFGHJKLZXCVBNM']
const ENDINGS = [...'学警港澳领挂临试超']
const HEADS = ['使', 'W']
export const CELLS = 8

/** Tell whether a plate of so many characters may be complete. */
export function isComplete(plate: string): boolean {
  return plate.length === 7 || plate.length === 8
}

/** Return the rows of keys for the next character of a plate, those that fit it. */
export function rowsFor(plate: string): { keys: readonly string[]; fits: (key: string) => boolean }[] {
  const at = plate.length
  if (at === 0) {
    const rows = [PROVINCES.slice(0, 10), PROVINCES.slice(10, 20), PROVINCES.slice(20, 30), [...PROVINCES.slice(30), ...HEADS]]
    return rows.map((keys) => ({ keys, fits: () => true }))
  }
  const fits = (key: string): boolean => at < CELLS && fitsAt(plate, at, key)
  return [DIGITS, LETTERS.slice(0, 8), LETTERS.slice(8, 17), LETTERS.slice(17), ENDINGS].map((keys) => ({ keys, fits }))
}

function fitsAt(plate: string, at: number, key: string): boolean {
  const isDigit = DIGITS.includes(key)
  if (ENDINGS.includes(key)) return at === 6 || at === 7
  if (plate[0] === 'W') return at === 1 ? key === 'J' : true
  if (plate[0] === '使') return at > 3 || isDigit
  return at > 1 || !isDigit
}

/** Return a plate with the dot after its second character, as it stands on the car. */
export function plateText(plate: string): string {
  return plate.includes('·') || plate.length < 3 ? plate : `${plate.slice(0, 2)}·${plate.slice(2)}`
}

/** Return the plates that were typed on this phone lately, the last one first. */
export function typedHere(): string[] {
  return kept<string[]>(TYPED) ?? []
}

/** Remember a plate that was typed; returns those of lately. */
export function keepTyped(plate: string): string[] {
  const lately = [plate, ...typedHere().filter((each) => each !== plate)].slice(0, TYPED_MOST)
  keep(TYPED, lately)
  return lately
}

/** Forget the plates that were typed. */
export function forgetTyped(): void {
  keep(TYPED, null)
}
