// Ids as people see them in tables. Theirs begin with the time at which they were made: the end tells them apart.
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Tell whether words are an id. */
export function isId(words: string): boolean {
  return ID.test(words)
}

/** Return the end of an id, enough to tell it from its neighbours; other words as they are. */
export function shortId(words: string): string {
  return isId(words) ? `…${words.slice(-8)}` : words
}
