// A list that the server pages, filters and orders. What is asked for stands in the address: a reload, a bookmark and the
// back button show the same.
import { computed, onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue'
import { useRoute, useRouter } from 'vue-router'

export interface PageOf<T> {
  items: T[]
  next: string | null
  total?: number | null
  /** Counting stopped here: there are more. */
  more_than?: number | null
}
export type Filters = Record<string, string | undefined>
type Load<T> = (filters: Filters, cursor: string | undefined, limit: number) => Promise<PageOf<T>>

/** Return the word of a list if it is one of it: what stands in an address may be anything. */
export function oneOf<T extends string>(words: readonly T[], word: string | undefined): T | undefined {
  return words.find((each) => each === word)
}

export const LIMITS = [20, 50, 100, 200]

export interface List<T> {
  filters: Ref<Filters>
  items: Ref<T[]>
  error: Ref<unknown>
  loading: Ref<boolean>
  /** Something was asked for, so an empty list may be for that. */
  isFiltered: Ref<boolean>
  total: Ref<number | null>
  moreThan: Ref<number | null>
  page: Ref<number>
  limit: Ref<number>
  hasNext: Ref<boolean>
  set: (change: Filters) => void
  reset: () => void
  next: () => void
  previous: () => void
  /** Ask again; quietly where nobody asked for it, such as by a timer. */
  reload: (quiet?: boolean) => Promise<void>
}

/**
 * Keep a list whose filters are the named ones. `fixed` filters (such as the lot) do not count as a search of somebody.
 * The list loads when the address changes; answers that come too late for their question are dropped.
 */
export function useList<T>(names: readonly string[], load: Load<T>, fixed: readonly string[] = []): List<T> {
  const route = useRoute()
  const router = useRouter()
  const items = shallowRef<T[]>([])
  const error = shallowRef<unknown>(null)
  const loading = ref(false)
  const total = ref<number | null>(null)
  const moreThan = ref<number | null>(null)
  const following = ref<string | null>(null)
  const path = route.path
  let asked = 0

  const text = (name: string): string | undefined => {
    const value = route.query[name]
    return typeof value === 'string' && value ? value : undefined
  }
  const filters = computed<Filters>(() => Object.fromEntries(names.map((name) => [name, text(name)])))
  const isFiltered = computed(() => names.some((name) => !fixed.includes(name) && filters.value[name] !== undefined))
  const limit = computed(() => Number(text('limit') ?? LIMITS[1]))
  // The cursors of the pages before stand in the address, too: the back button of the list works after a reload.
  const trail = computed(() => (text('at') ?? '').split('~').filter(Boolean))
  const page = computed(() => trail.value.length + 1)

  function go(query: Record<string, string | undefined>): void {
    void router.push({ path, query: Object.fromEntries(Object.entries({ ...route.query, ...query }).filter(([, value]) => value)) })
  }

  async function reload(quiet = false): Promise<void> {
    const turn = ++asked
    loading.value ||= !quiet
    try {
      const found = await load(filters.value, trail.value.at(-1), limit.value)
      if (turn !== asked) return
      items.value = found.items
      following.value = found.next
      // Counted with the first page only; the pages after it belong to the same count.
      if (page.value === 1 || found.total != null || found.more_than != null) [total.value, moreThan.value] = [found.total ?? null, found.more_than ?? null]
      error.value = null
    } catch (reason) {
      if (turn === asked) error.value = reason
    } finally {
      if (turn === asked) loading.value = false
    }
  }

  watch(() => (route.path === path ? JSON.stringify([filters.value, trail.value, limit.value]) : null), (now) => {
    if (now !== null) void reload()
  }, { immediate: true })
  onScopeDispose(() => asked++)

  return {
    filters, items, error, loading, isFiltered, total, moreThan, page, limit,
    hasNext: computed(() => following.value !== null),
    set: (change) => go({ ...change, at: undefined }),
    reset: () => go({ ...Object.fromEntries(names.filter((name) => !fixed.includes(name)).map((name) => [name, undefined])), at: undefined }),
    next: () => following.value && go({ at: [...trail.value, following.value].join('~') }),
    previous: () => go({ at: trail.value.slice(0, -1).join('~') || undefined }),
    reload,
  }
}
