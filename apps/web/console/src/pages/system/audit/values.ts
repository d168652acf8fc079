// What stood before and after, laid side by side; and the deeds that entries tell of.
export interface Line {
  name: string
  before: string | null
  after: string | null
  isChanged: boolean
}
type Values = Record<string, unknown> | null | undefined

/** Return a value as somebody reads it; what is nested stays JSON. */
export function shownValue(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Return one line for each name that stands before or after, in the order in which they come. */
export function linesOf(before: Values, after: Values): Line[] {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
  return names.map((name) => {
    const [was, is] = [shownValue(before?.[name]), shownValue(after?.[name])]
    return { name, before: was, after: is, isChanged: was !== is }
  })
}

const DEED = 'audit.deed.'

/** Return the deeds that the catalogue knows. */
export function deedsIn(codes: readonly string[]): string[] {
  return codes.filter((code) => code.startsWith(DEED)).map((code) => code.slice(DEED.length)).sort()
}
