// How good a password is, as a hint while it is typed. What counts is the server's word: it also knows the common ones.
export type Strength = 'short' | 'login' | 'weak' | 'fair' | 'good'
export const LEAST = 10
const FAIR = 12
const GOOD = 16

/** Return the first thing that is wrong with a password, or how good it is. Length counts more than odd characters. */
export function strengthOf(password: string, login: string): Strength {
  const characters = [...password]
  if (characters.length < LEAST) return 'short'
  if (login && password.toLowerCase().includes(login.toLowerCase())) return 'login'
  const different = new Set(password.toLowerCase()).size
  if (different < 6 || runs(password)) return 'weak'
  const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\d/, /[^\p{L}\d]/u].filter((kind) => kind.test(password)).length
  const worth = characters.length + 2 * (kinds - 1)
  return worth >= GOOD && different >= 9 ? 'good' : worth >= FAIR ? 'fair' : 'weak'
}

/** Tell whether most of a password is a row such as `12345678` or `aaaaaaaa`. */
function runs(password: string): boolean {
  let steps = 0
  for (let at = 1; at < password.length; at++) {
    const step = password.charCodeAt(at) - password.charCodeAt(at - 1)
    if (step === 0 || step === 1 || step === -1) steps++
  }
  return steps > password.length / 2
}

const LETTERS = 'abcdefghijkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXY34679'

/** Make a password that somebody can read out: 4 groups of 5, without characters that look like others. */
export function madePassword(random: (into: Uint32Array) => void = (into) => crypto.getRandomValues(into)): string {
  const drawn = new Uint32Array(20)
  random(drawn)
  const text = [...drawn].map((each) => LETTERS[each % LETTERS.length]).join('')
  return text.replace(/(.{5})(?!$)/g, '$1-')
}
