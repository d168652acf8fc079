// Something that somebody does: runs once at a time, says how it went, and keeps its key until it is known to be done.
import { deedKey, Problem, Unreachable } from '@api'
import { ElMessage } from 'element-plus'
import { ref, type Ref } from 'vue'
import { t, type Code } from './texts'

export interface Deed<A extends unknown[]> {
  busy: Ref<boolean>
  /** Do it. True when it was done; what went wrong has been said. */
  run: (...args: A) => Promise<boolean>
}

/** Return what people read of an error. */
export function messageOf(error: unknown): string {
  if (error instanceof Problem) return error.message
  if (error instanceof Unreachable) return t('console.error.unreachable')
  return t('console.error.defect')
}

/**
 * Make a deed. `act` gets a key that stays the same while it is tried again after an answer that was lost, so nothing is
 * done twice.
 */
export function useDeed<A extends unknown[]>(act: (key: string, ...args: A) => Promise<unknown>, done?: Code): Deed<A> {
  const busy = ref(false)
  let key: string | null = null
  let last = ''

  async function run(...args: A): Promise<boolean> {
    if (busy.value) return false
    const same = JSON.stringify(args)
    if (!key || same !== last) [key, last] = [deedKey(), same]
    busy.value = true
    try {
      await act(key, ...args)
      key = null
      if (done) ElMessage.success(t(done))
      return true
    } catch (error) {
      // An answer that was lost, or that no one could give: it may have been done. The same again goes by the same key.
      const isUnknown = error instanceof Unreachable || (error instanceof Problem && (error.status >= 500 || error.code === 'request.in_progress'))
      if (!isUnknown) key = null
      const message = isUnknown ? `${messageOf(error)} ${t('console.error.maybe_done')}` : messageOf(error)
      ElMessage.error({ message, duration: isUnknown ? 12_000 : 6_000, showClose: true })
      return false
    } finally {
      busy.value = false
    }
  }
  return { busy, run }
}
