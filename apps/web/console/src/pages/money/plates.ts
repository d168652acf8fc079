// Plates as somebody types several of them: between spaces, commas or lines.

/** Return the plates of a text, each once, in capitals. The server reads each of them. */
export function platesOf(text: string): string[] {
  return [...new Set(text.split(/[\s,，;；、]+/).map((each) => each.trim().toUpperCase()).filter(Boolean))]
}
