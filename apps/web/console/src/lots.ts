// The lots that one may see, known to all pages: for choosing, for names, zones and currencies.
import type { Schemas } from '@api'
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { useSession } from './session'
import { nameOf } from './texts'

type Lot = Schemas['LotDetailView']
const KEPT = 'openberth.lot'

export const useLots = defineStore('lots', () => {
  const session = useSession()
  const all = shallowRef<Lot[]>([])
  const error = shallowRef<unknown>(null)
  const isKnown = ref(false)
  /** The lot that was looked at last; pages about one lot begin there. */
  const last = ref(localStorage.getItem(KEPT))
  const current = computed(() => all.value.find((lot) => lot.code === last.value) ?? all.value[0] ?? null)
  let loading: Promise<void> | null = null

  /** Ask for all lots, once; again when told to. */
  function know(again = false): Promise<void> {
    if (isKnown.value && !again) return Promise.resolve()
    loading ??= load().finally(() => (loading = null))
    return loading
  }

  async function load(): Promise<void> {
    try {
      const found: Lot[] = []
      let cursor: string | undefined
      do {
        const page = await session.api.get('/v1/lots', { query: { limit: 200, cursor } })
        found.push(...page.items)
        cursor = page.next ?? undefined
      } while (cursor)
      all.value = found
      error.value = null
      isKnown.value = true
    } catch (reason) {
      error.value = reason
    }
  }

  function choose(code: string): void {
    last.value = code
    localStorage.setItem(KEPT, code)
  }

  function byCode(code: string | null | undefined): Lot | null {
    return all.value.find((lot) => lot.code === code || lot.id === code) ?? null
  }

  function nameOfLot(code: string | null | undefined): string {
    const lot = byCode(code)
    return lot ? nameOf(lot.name) : (code ?? '')
  }

  function nameOfLane(lot: string | null | undefined, code: string): string {
    return nameOf(byCode(lot)?.lanes.find((lane) => lane.code === code)?.name) || code
  }

  return { all, error, isKnown, current, know, choose, byCode, nameOfLot, nameOfLane }
})
