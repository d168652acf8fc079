// What a form rests on: the version that was read. Where somebody else was faster, nothing is written and nothing that was
// typed is lost: the form shows what stands now, and the person decides.
import { Problem } from '@api'
import { ref, shallowRef, type Ref, type ShallowRef } from 'vue'

export interface Seen<T> {
  /** Somebody changed it after it was read. */
  isMovedOn: Ref<boolean>
  /** What stands now, once `isMovedOn`; null: nothing any more. */
  newer: ShallowRef<T | null>
  /** Write, only if nobody was faster. Raises `Problem`, also for that. */
  resting: <A>(write: (version: number) => Promise<A>) => Promise<A>
  /** Go on from what stands now; returns it, for whoever takes it into the form. */
  goOn: () => T | null
}

/** Rest on what was read (null: there was nothing); `read` reads it anew. */
export function useSeen<T extends { version: number }>(first: T | null, read: () => Promise<T | null>): Seen<T> {
  let version = first?.version ?? 0
  const newer = shallowRef(null) as ShallowRef<T | null>
  const isMovedOn = ref(false)

  async function resting<A>(write: (version: number) => Promise<A>): Promise<A> {
    try {
      return await write(version)
    } catch (error) {
      if (error instanceof Problem && error.code === 'state.changed') await look()
      throw error
    }
  }
  async function look(): Promise<void> {
    try {
      newer.value = await read()
      isMovedOn.value = true
    } catch {
      // What stands now cannot be shown: the refusal has been said, and writing again is refused again.
    }
  }
  function goOn(): T | null {
    version = newer.value?.version ?? 0
    isMovedOn.value = false
    return newer.value
  }
  return { isMovedOn, newer, resting, goOn }
}
