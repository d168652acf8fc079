// What the phone keeps. Nothing here fails: a full or forbidden storage only means that nothing is remembered.

/** Return what was kept under a name, null when there is nothing of that shape. */
export function kept<T>(name: string): T | null {
  try {
    const text: unknown = uni.getStorageSync(name)
    return typeof text === 'string' && text ? (JSON.parse(text) as T) : null
  } catch {
    return null
  }
}

/** Keep a value under a name; null forgets it. */
export function keep(name: string, value: unknown): void {
  try {
    if (value === null) uni.removeStorageSync(name)
    else uni.setStorageSync(name, JSON.stringify(value))
  } catch {
    // no room: the app works on without
  }
}
