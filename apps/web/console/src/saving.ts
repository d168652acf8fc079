// Gives a file to whoever looks at the page.
import type { Fetched } from '@api'

/** Save a file under its name, where the browser puts what is downloaded. */
export function save({ name, file }: Fetched): void {
  const address = URL.createObjectURL(file)
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  // The browser has taken it once the click is done; some look again a moment later.
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
}
