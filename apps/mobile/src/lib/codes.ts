// Codes on signs: read from what a scanner saw, from what a link carries, from what somebody types.

const CODE = /^[2-9A-HJKMNP-Z]{10}$/

/** Return the code of a sign that a text holds, null when it holds none. */
export function codeIn(text: string | undefined): string | null {
  if (!text) return null
  const plain = decoded(text).trim()
  const named = /\/c\/([0-9A-Za-z]{10})(?:[/?#]|$)/.exec(plain) ?? /[?&]c=([0-9A-Za-z]{10})(?:[&#]|$)/.exec(plain)
  const code = (named?.[1] ?? plain).toUpperCase()
  return CODE.test(code) ? code : null
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
