// A document as it is written: after each pause the server says what it means, or what is wrong with it and where.
import { Problem } from '@api'
import { computed, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import type { LineMistake } from '@/parts/YamlEditor.vue'

const PAUSE_MS = 500

export interface Checking<C> {
  /** What the server says of the text; null while it is wrong. */
  check: ShallowRef<C | null>
  mistakes: ShallowRef<LineMistake[]>
  /** What is wrong and is about no line. */
  trouble: ShallowRef<unknown>
  checking: Ref<boolean>
  isSound: ComputedRef<boolean>
  look: () => Promise<void>
}

/** Read the mistakes that a problem names; empty when it is about something else. */
export function mistakesOf(error: unknown): LineMistake[] {
  if (!(error instanceof Problem)) return []
  return error.errors.flatMap((each) => (typeof each.line === 'number' && typeof each['text'] === 'string' ? [{ line: each.line, text: each['text'] }] : []))
}

/** Check a text whenever it was changed; `look` does it at once. Answers that come too late are dropped. */
export function useChecking<C>(text: Ref<string>, ask: (text: string) => Promise<C>): Checking<C> {
  const check = shallowRef<C | null>(null)
  const mistakes = shallowRef<LineMistake[]>([])
  const trouble = shallowRef<unknown>(null)
  const checking = ref(false)
  let timer = 0
  let turn = 0

  async function look(): Promise<void> {
    const mine = ++turn
    clearTimeout(timer)
    checking.value = true
    try {
      const found = await ask(text.value)
      if (mine !== turn) return
      check.value = found
      mistakes.value = []
      trouble.value = null
    } catch (error) {
      if (mine !== turn) return
      mistakes.value = mistakesOf(error)
      trouble.value = mistakes.value.length ? null : error
      check.value = null
    } finally {
      if (mine === turn) checking.value = false
    }
  }

  watch(text, () => {
    clearTimeout(timer)
    checking.value = true
    timer = window.setTimeout(() => void look(), PAUSE_MS)
  })
  onScopeDispose(() => {
    clearTimeout(timer)
    turn++
  })
  return { check, mistakes, trouble, checking, look, isSound: computed(() => check.value !== null && !checking.value) }
}
