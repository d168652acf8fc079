// What a page shows: loading, there, nothing there, failed; and what is shown again, with its age, while there is no
// network.
import { Problem, Unreachable } from '@openberth/api'
import { computed, ref, shallowRef } from 'vue'

import { keep, kept } from '@/lib/kept'
import { t } from '@/lib/texts'

const PREFIX = 'seen.'
const NAMES = 'seen'

interface Seen<T> {
  at: number
  value: T
}

/** Return what went wrong as a sentence. */
export function wordsOf(failure: unknown): string {
  if (failure instanceof Unreachable) return t('app.state.unreachable')
  if (failure instanceof Problem) {
    if (failure.status === 429) return t('app.state.too_many')
    if (failure.code !== 'http') return failure.message
  }
  return t('app.state.failed')
}

/** Say what went wrong, briefly, above everything. */
export function tellFailure(failure: unknown): void {
  uni.showToast({ title: wordsOf(failure), icon: 'none', duration: 3500 })
}

/**
 * Load something for a page. Under a `name` the last state is kept on the phone and shown while the server cannot be
 * asked; it is forgotten with the session.
 */
export function useLoading<T>(ask: () => Promise<T>, name?: string) {
  const before = name ? kept<Seen<T>>(PREFIX + name) : null
  const value = shallowRef<T | null>(before?.value ?? null)
  const at = ref(before?.at ?? 0)
  const failure = shallowRef<unknown>(null)
  const busy = ref(false)
  const asked = ref(false)
  let turn = 0

  async function load(): Promise<void> {
    const mine = ++turn
    busy.value = true
    try {
      const found = await ask()
      if (mine !== turn) return
      value.value = found
      at.value = Date.now()
      failure.value = null
      if (name) remember(name, { at: at.value, value: found })
    } catch (problem) {
      if (mine === turn) failure.value = problem
    } finally {
      if (mine === turn) {
        busy.value = false
        asked.value = true
      }
    }
  }

  return {
    value,
    at,
    busy,
    failure,
    load,
    /** Nothing is there yet, and none of it is known. */
    loading: computed(() => value.value === null && failure.value === null),
    /** Nothing is there, because it failed. */
    failed: computed(() => value.value === null && failure.value !== null),
    /** What is there is of before: the server could not be asked. */
    stale: computed(() => value.value !== null && failure.value !== null),
    asked,
  }
}

function remember<T>(name: string, seen: Seen<T>): void {
  const names = kept<string[]>(NAMES) ?? []
  if (!names.includes(name)) keep(NAMES, [...names, name])
  keep(PREFIX + name, seen)
}

/** Forget everything that was seen by somebody who is signed out. */
export function forgetLoaded(): void {
  for (const name of kept<string[]>(NAMES) ?? []) keep(PREFIX + name, null)
  keep(NAMES, null)
}
