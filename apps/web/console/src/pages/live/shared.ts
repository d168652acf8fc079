// What the parts of a live page share: its house, and the time.
import { computed, inject, provide, type ComputedRef, type InjectionKey, type Ref } from 'vue'
import { useClock } from '@/clock'
import { useNow } from '@/ticking'
import type { LiveHouse } from './follow'

export interface LiveParts extends LiveHouse {
  /** The browser's time, once a second; and the business's, by which cars wait. */
  now: Ref<number>
  businessNow: ComputedRef<number>
}
const KEY: InjectionKey<LiveParts> = Symbol('live')

/** Share a page's house with all its parts. */
export function shareLive(house: LiveHouse): LiveParts {
  const now = useNow()
  const clock = useClock()
  const parts = { ...house, now, businessNow: computed(() => now.value && clock.now()) }
  provide(KEY, parts)
  return parts
}

/** Return what the page around shares. */
export function useLiveParts(): LiveParts {
  const parts = inject(KEY)
  if (!parts) throw new Error('no live page around')
  return parts
}
