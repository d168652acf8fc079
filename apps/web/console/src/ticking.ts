// The time that passes while a page is looked at: one timer for all of a page.
import { onScopeDispose, ref, type Ref } from 'vue'

/** Return the browser's time in ms, renewed every second. */
export function useNow(everyMs = 1_000): Ref<number> {
  const now = ref(Date.now())
  const timer = setInterval(() => (now.value = Date.now()), everyMs)
  onScopeDispose(() => clearInterval(timer))
  return now
}
