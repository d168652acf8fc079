import { onHide, onShow } from '@dcloudio/uni-app'
import { onUnmounted, type Ref, ref } from 'vue'

/** The phone's clock as a value that runs, for what counts up or down on a page. */
export function useNow(everyMs = 1000): Ref<number> {
  const now = ref(Date.now())
  const timer = setInterval(() => {
    now.value = Date.now()
  }, everyMs)
  onUnmounted(() => clearInterval(timer))
  return now
}

/**
 * Do something again and again while it is to be seen, one at a time; what it waits is asked each time, null ends it.
 * Works in pages, which are shown and hidden, and in their parts, which only come and go.
 */
export function useRepeating(run: () => Promise<void>, waitMs: () => number | null): { again: () => Promise<void> } {
  let timer: ReturnType<typeof setTimeout> | undefined
  let isShown = false
  let running: Promise<void> | null = null

  async function once(): Promise<void> {
    try {
      await run()
    } finally {
      running = null
      clearTimeout(timer)
      const wait = isShown ? waitMs() : null
      if (wait !== null) timer = setTimeout(() => void again(), wait)
    }
  }
  function again(): Promise<void> {
    running ??= once()
    return running
  }
  async function show(): Promise<void> {
    isShown = true
    await running // begun before it was known what the page is about
    await again()
  }
  function hide(): void {
    isShown = false
    clearTimeout(first)
    clearTimeout(timer)
  }
  // A page is told that it is shown, before or after this; a part of a page is not.
  const first = setTimeout(() => void (isShown || show()), 0)
  onShow(() => void show())
  onHide(hide)
  onUnmounted(hide)
  return { again }
}
