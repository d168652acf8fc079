// All that the desk knows of the lane it looks at: what the live page knows, and what only that lane is asked for.
import type { Schemas } from '@api'
import { computed, onScopeDispose, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import { useSession } from '@/session'
import type { FeedEvent } from '@/feed'
import type { Queued } from './queue'
import type { LaneNow, LiveStore, LotNow } from './store'

type LaneView = Schemas['LaneView']
type Passage = Schemas['PassageView']
type CaseDetail = Schemas['CaseDetailView']
const AGAIN_MS = 30_000
const CONVOYS = new Set(['stays.convoy_began', 'stays.convoy_ended'])

export interface AtLane {
  lane: ComputedRef<LaneNow | null>
  lot: ComputedRef<LotNow | null>
  /** The lane with who waits and what is due; null until it was asked for, and never that of another lane. */
  detail: ShallowRef<LaneView | null>
  passage: ShallowRef<Passage | null>
  /** The open exception about the car that stands there, with similar cars inside. */
  problem: ShallowRef<CaseDetail | null>
  error: ShallowRef<unknown>
  bill: ComputedRef<Schemas['DueView'] | null>
  ask: () => Promise<void>
}

export function useAtLane(store: LiveStore, id: Ref<string | null>, queue: Ref<readonly Queued[]>, listen: (hear: (events: readonly FeedEvent[]) => void) => () => void): AtLane {
  const session = useSession()
  const detail = shallowRef<LaneView | null>(null)
  const passage = shallowRef<Passage | null>(null)
  const problem = shallowRef<CaseDetail | null>(null)
  const error = shallowRef<unknown>(null)
  const lane = computed(() => (id.value ? store.lane(id.value) : null))
  const lot = computed(() => (lane.value ? store.lot(lane.value.lot) : null))
  const queued = computed(() => queue.value.find((each) => each.lane.id === id.value) ?? null)
  const bill = computed(() => detail.value?.waiting?.bill ?? null)
  // What changes of a lane when its car, or what is asked of it, is another one.
  const sign = computed(() => {
    const car = lane.value?.passage
    return lane.value && lot.value ? [id.value, car?.id, car?.state, car?.ask, car?.bill, car?.stay, queued.value?.problem?.id].join('/') : null
  })
  let turn = 0

  async function ask(): Promise<void> {
    const mine = ++turn
    const [at, where] = [lane.value, lot.value]
    if (!at || !where) return
    const car = at.passage?.id ?? null
    const about = queued.value?.problem?.id ?? null
    try {
      const [found, seen, open] = await Promise.all([
        session.api.get('/v1/lots/{lot}/lanes/{lane}', { path: { lot: where.code, lane: at.code } }),
        car && session.can('passage.read') ? session.api.get('/v1/passages/{passage}', { path: { passage: car } }) : null,
        about && session.can('case.read') ? session.api.get('/v1/exceptions/{case}', { path: { case: about } }) : null,
      ])
      if (mine !== turn) return
      detail.value = found
      passage.value = seen
      problem.value = open?.state === 'open' ? open : null
      error.value = null
    } catch (reason) {
      if (mine === turn) error.value = reason
    }
  }

  watch(() => `${id.value}/${lane.value?.passage?.id ?? ''}`, () => {
    // Another lane or another car: nothing of the one before may stand beside it.
    detail.value = passage.value = problem.value = null
  }, { flush: 'sync' })
  watch(sign, (now) => now && void ask(), { immediate: true })
  // A convoy changes nothing of the car that stands there, and everything of what becomes of it.
  const unhear = listen((events) => {
    if (events.some((each) => CONVOYS.has(each.kind) && each.body['lane'] === id.value)) void ask()
  })
  const timer = setInterval(() => detail.value?.waiting && !document.hidden && void ask(), AGAIN_MS)
  onScopeDispose(() => {
    turn++
    clearInterval(timer)
    unhear()
  })
  return { lane, lot, detail, passage, problem, error, bill, ask }
}
