// Something that somebody does by a tap: once at a time, and what went wrong is said.
import { type Ref, ref } from 'vue'
import { tellFailure } from '@/lib/loading'

export interface Doing {
  busy: Ref<boolean>
  /** Do it, unless something is under way. True when it was done. */
  doing: (run: () => unknown) => Promise<boolean>
}

/** One deed at a time; `failed` hears what went wrong, and says it unless told otherwise. */
export function useDoing(failed: (failure: unknown) => unknown = tellFailure): Doing {
  const busy = ref(false)

  async function doing(run: () => unknown): Promise<boolean> {
    if (busy.value) return false // a second tap before the button was dark
    busy.value = true
    try {
      await run()
      return true
    } catch (failure) {
      await failed(failure)
      return false
    } finally {
      busy.value = false
    }
  }
  return { busy, doing }
}
