// A value in clear that somebody asked for: shown once, for a little while, then gone.
import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from 'vue'

export const SHOWN_S = 30

export interface Revealed<T> {
  value: ShallowRef<T | null>
  /** How many seconds it is still to be seen. */
  left: Ref<number>
  show: (value: T) => void
  hide: () => void
}

export function useRevealed<T>(): Revealed<T> {
  const value = shallowRef<T | null>(null)
  const left = ref(0)
  let timer = 0

  function hide(): void {
    clearInterval(timer)
    value.value = null
    left.value = 0
  }
  function show(shown: T): void {
    hide()
    value.value = shown
    left.value = SHOWN_S
    timer = window.setInterval(() => {
      left.value -= 1
      if (left.value <= 0) hide()
    }, 1_000)
  }
  onScopeDispose(hide)
  return { value, left, show, hide }
}
