// Asks again from time to time, as long as somebody looks: a page in the background asks nothing.
import { onScopeDispose } from 'vue'

/** Do something every so often while the window is seen. */
export function useEvery(everyMs: number, act: () => void): void {
  const timer = setInterval(() => document.hidden || act(), everyMs)
  onScopeDispose(() => clearInterval(timer))
}
