// Long lists: a page of the newest, then older ones as somebody scrolls.
import { computed, ref, shallowRef } from 'vue'

import { tellFailure, useLoading } from '@/lib/loading'

interface Page<T> {
  items: T[]
  next: string | null
}

/** Load a list page by page; the first page is kept on the phone under `name`. */
export function usePages<T>(ask: (cursor: string | undefined) => Promise<Page<T>>, name: string) {
  const first = useLoading(() => ask(undefined), name)
  const older = shallowRef<T[]>([])
  const next = ref<string | null | undefined>(undefined) // undefined: as the first page says
  const busy = ref(false)
  const cursor = computed(() => (next.value === undefined ? (first.value.value?.next ?? null) : next.value))

  async function load(): Promise<void> {
    await first.load()
    older.value = []
    next.value = undefined
  }

  async function more(): Promise<void> {
    if (busy.value || !cursor.value) return
    busy.value = true
    try {
      const page = await ask(cursor.value)
      older.value = [...older.value, ...page.items]
      next.value = page.next
    } catch (failure) {
      tellFailure(failure)
    } finally {
      busy.value = false
    }
  }

  return {
    first,
    items: computed(() => [...(first.value.value?.items ?? []), ...older.value]),
    hasMore: computed(() => Boolean(cursor.value)),
    busy,
    load,
    more,
  }
}
