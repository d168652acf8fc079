// What stands on the display of the lane that is looked at: asked for when something happens there, and when it ends.
import type { Schemas } from '@api'
import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue'
import type { FeedEvent } from '@/feed'
import { useSession } from '@/session'
import type { AtLane } from './atLane'

export type DisplayNow = Schemas['DisplayView']
const AGAIN_MS = 20_000
const SOON_MS = 400 // several events of one passage are one question
const OF_DISPLAYS = new Set(['stays.passage_decided', 'stays.passage_released', 'facility.lane_text_shown', 'payments.bill_issued'])

export interface LaneDisplay {
  /** Null until it was asked for; its maker is null where nothing hangs. */
  now: ShallowRef<DisplayNow | null>
  ask: () => Promise<void>
}

/** Return how long until a display has to be looked at again, given what stands there. */
export function againIn(now: DisplayNow | null, at: number): number {
  const ends = now?.until ? Date.parse(now.until) - at : AGAIN_MS
  return Math.min(Math.max(ends, 0) + SOON_MS, AGAIN_MS)
}

export function useLaneDisplay(at: AtLane, listen: (hear: (events: readonly FeedEvent[]) => void) => () => void): LaneDisplay {
  const session = useSession()
  const now = shallowRef<DisplayNow | null>(null)
  let timer: ReturnType<typeof setTimeout> | undefined
  let turn = 0

  async function ask(): Promise<void> {
    const mine = ++turn
    clearTimeout(timer)
    const [lane, lot] = [at.lane.value, at.lot.value]
    if (!lane || !lot || !session.can('passage.read')) return
    try {
      const found = await session.api.get('/v1/lots/{lot}/lanes/{lane}/display', { path: { lot: lot.code, lane: lane.code } })
      if (mine === turn) now.value = found
    } catch {
      // The desk goes on without it: it is asked again.
    }
    if (mine === turn && now.value?.maker !== null) timer = setTimeout(() => void ask(), againIn(now.value, Date.now()))
  }
  const unhear = listen((events) => {
    if (!now.value?.maker || !events.some((each) => OF_DISPLAYS.has(each.kind))) return
    clearTimeout(timer)
    timer = setTimeout(() => void ask(), SOON_MS)
  })
  watch(() => at.lane.value?.id, () => {
    now.value = null
    void ask()
  }, { immediate: true })
  onScopeDispose(() => {
    turn++
    clearTimeout(timer)
    unhear()
  })
  return { now, ask }
}
