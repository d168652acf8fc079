// One thing that is asked of the server, with what became of it.
import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from 'vue'

export interface Asking<T> {
  data: ShallowRef<T | null>
  error: ShallowRef<unknown>
  loading: Ref<boolean>
  /** When the answer came that is shown, by the browser's clock; 0 before the first. */
  at: Ref<number>
  ask: () => Promise<void>
}

/** Ask now, and again whenever `ask` is called. What was shown before stays while something newer is on its way. */
export function useAsking<T>(load: () => Promise<T>, now = true): Asking<T> {
  const data = shallowRef<T | null>(null)
  const error = shallowRef<unknown>(null)
  const loading = ref(false)
  const at = ref(0)
  let turn = 0

  async function ask(): Promise<void> {
    const mine = ++turn
    loading.value = true
    try {
      const found = await load()
      if (mine !== turn) return
      data.value = found
      error.value = null
      at.value = Date.now()
    } catch (reason) {
      if (mine === turn) error.value = reason
    } finally {
      if (mine === turn) loading.value = false
    }
  }

  onScopeDispose(() => turn++)
  if (now) void ask()
  return { data, error, loading, at, ask }
}
