// What the live pages show: lots and lanes, each in a place of its own, so that a lane that changed draws one tile anew.
// Events only mark what changed; answers of the server say how it is now, and an older answer never replaces a newer one.
import type { Schemas } from '@api'
import { shallowRef, type ShallowRef } from 'vue'
import type { FeedEvent } from '@/feed'

export type LotNow = Omit<Schemas['LiveLotView'], 'lanes'>
export type LaneNow = Schemas['LiveLaneView']
type LiveView = Schemas['LiveView']
type LiveLanesView = Schemas['LiveLanesView']

/** What has to be asked for: some lanes, some lots without their lanes, and lots as a whole. */
export interface Work {
  lanes: string[]
  lots: string[]
  whole: string[]
}

export const ASKED_MAX = 100 // the server answers so many at once
const MONEY_TRIES = 20
const WHOLE = new Set(['facility.lot_applied', 'tenancy.lot_came'])
const MONEY = new Set(['payments.bill_issued', 'payments.bill_withdrawn', 'payments.receipt_recorded'])
const OF_LOTS = new Set([
  ...MONEY, 'stays.passage_decided', 'stays.passage_released', 'stays.stay_opened', 'stays.stay_moved', 'stays.stay_closed',
  'stays.case_raised', 'stays.case_resolved', 'facility.device_came', 'facility.device_lost', 'facility.occupancy_adjusted',
  'facility.lot_state_changed', 'facility.alarm_raised', 'facility.alarm_ended',
])
const OF_LANES = new Set([
  'stays.passage_decided', 'stays.passage_released', 'stays.case_raised', 'facility.command_issued', 'facility.command_ended',
])

export class LiveStore {
  /** Ids of the lots, in the server's order. */
  readonly lotIds = shallowRef<readonly string[]>([])
  /** Lanes where a car waits, longest first. */
  readonly waiting = shallowRef<readonly LaneNow[]>([])
  private readonly lots = new Map<string, ShallowRef<LotNow | null>>()
  private readonly lanes = new Map<string, ShallowRef<LaneNow | null>>()
  private readonly lanesOf = new Map<string, ShallowRef<readonly string[] | null>>()
  /** Changes when something comes that was not there: whoever asked for it in vain looks again. */
  private readonly came = shallowRef(0)
  /** The positions at which lanes and lots were true. */
  private readonly laneAt = new Map<string, number>()
  private readonly lotAt = new Map<string, number>()
  private readonly dirtyLanes = new Set<string>()
  private readonly dirtyLots = new Set<string>()
  private readonly dirtyWhole = new Set<string>()
  /** The last event about money of a lot, and how often it was asked for since without being in the answer. */
  private readonly moneyAt = new Map<string, { position: number; tries: number }>()

  lot(id: string): LotNow | null {
    return this.seen(this.lots, id)
  }

  /** The lanes of a lot; null when they were too many for one answer, or may not be seen. */
  laneIds(lot: string): readonly string[] | null {
    return this.seen(this.lanesOf, lot)
  }

  lane(id: string): LaneNow | null {
    return this.seen(this.lanes, id)
  }

  private seen<T>(places: Map<string, ShallowRef<T | null>>, id: string): T | null {
    const found = places.get(id)
    if (found) return found.value
    void this.came.value
    return null
  }

  get hasWork(): boolean {
    return this.dirtyLanes.size + this.dirtyLots.size + this.dirtyWhole.size > 0
  }

  /** Mark what events tell of. */
  take(events: readonly FeedEvent[]): void {
    for (const event of events) {
      if (WHOLE.has(event.kind) && event.lot) this.dirtyWhole.add(event.lot)
      if (!event.lot || !this.lots.has(event.lot)) continue
      const lane = event.body['lane']
      if (OF_LANES.has(event.kind) && typeof lane === 'string' && this.lanes.has(lane)) this.dirtyLanes.add(lane)
      if (!OF_LOTS.has(event.kind)) continue
      this.dirtyLots.add(event.lot)
      if (MONEY.has(event.kind)) this.moneyAt.set(event.lot, { position: event.position, tries: 0 })
    }
  }

  /** Mark all lots: not every alarm is told by an event, and the day changes without one. */
  touch(): void {
    for (const id of this.lotIds.value) this.dirtyLots.add(id)
  }

  /** Mark a lot whose lanes did not come with all others. */
  want(lot: string): void {
    this.dirtyWhole.add(lot)
  }

  /** Take what is marked, the oldest first, as much as one answer holds. */
  work(): Work {
    return { whole: first(this.dirtyWhole, 4), lanes: first(this.dirtyLanes, ASKED_MAX), lots: first(this.dirtyLots, ASKED_MAX) }
  }

  /** Mark again what could not be asked for. */
  giveBack(work: Work): void {
    for (const id of work.lanes) this.dirtyLanes.add(id)
    for (const id of work.lots) this.dirtyLots.add(id)
    for (const id of work.whole) this.dirtyWhole.add(id)
  }

  /** Put everything in place: lots that are not in it are gone. What is marked by then is newer, and stays marked. */
  putAll(view: LiveView): void {
    const ids = view.lots.map((lot) => lot.id)
    const there = new Set(ids)
    for (const id of [...this.lots.keys()].filter((each) => !there.has(each))) this.forget(id)
    if (!same(this.lotIds.value, ids)) this.lotIds.value = ids
    this.putLots(view)
  }

  /** Put lots in place, with their lanes where they come with them. */
  putLots(view: LiveView): void {
    for (const { lanes, ...lot } of view.lots) {
      const isNew = !this.lots.has(lot.id)
      if (view.position >= (this.lotAt.get(lot.id) ?? 0)) {
        this.lotAt.set(lot.id, view.position)
        this.place(this.lots, lot.id, lot)
      }
      if (isNew && !this.lotIds.value.includes(lot.id)) this.lotIds.value = [...this.lotIds.value, lot.id]
      this.putLanesOf(lot.id, lanes, view.position, isNew)
      this.askAboutMoney(lot.id, view.money_position)
    }
    this.sort()
  }

  /** Put lanes in place. An answer that is older than what is shown is dropped. */
  putLanes(view: LiveLanesView): void {
    for (const lane of view.lanes) this.putLane(lane, view.position)
    this.sort()
  }

  private putLanesOf(lot: string, lanes: readonly LaneNow[] | null, position: number, isNew: boolean): void {
    if (lanes) {
      const ids = lanes.map((lane) => lane.id)
      const there = new Set(ids)
      for (const id of this.laneIds(lot) ?? []) if (!there.has(id)) this.forgetLane(id)
      for (const lane of lanes) this.putLane(lane, position)
      if (!same(this.laneIds(lot) ?? [], ids) || isNew) this.place(this.lanesOf, lot, ids)
    } else if (isNew) this.place(this.lanesOf, lot, null)
  }

  private putLane(lane: LaneNow, position: number): void {
    if (position < (this.laneAt.get(lane.id) ?? 0)) return
    this.laneAt.set(lane.id, position)
    this.place(this.lanes, lane.id, lane)
  }

  /** Money follows the log a moment later: ask once more while the last event about it is not in the sums. */
  private askAboutMoney(lot: string, known: number): void {
    const last = this.moneyAt.get(lot)
    if (!last) return
    if (last.position <= known || ++last.tries > MONEY_TRIES) this.moneyAt.delete(lot)
    else this.dirtyLots.add(lot)
  }

  private place<T>(places: Map<string, ShallowRef<T | null>>, id: string, value: T | null): void {
    const found = places.get(id)
    if (found) found.value = value
    else {
      places.set(id, shallowRef(value))
      this.came.value++
    }
  }

  private sort(): void {
    const found: LaneNow[] = []
    for (const { value } of this.lanes.values()) if (value?.passage?.waiting) found.push(value)
    found.sort((one, other) => one.passage!.captured_at.localeCompare(other.passage!.captured_at))
    if (!same(this.waiting.value, found)) this.waiting.value = found
  }

  /** Let a lot go that is no longer there for the caller. */
  forget(lot: string): void {
    if (this.lotIds.value.includes(lot)) this.lotIds.value = this.lotIds.value.filter((each) => each !== lot)
    for (const id of this.laneIds(lot) ?? []) this.forgetLane(id)
    drop(this.lots, lot)
    drop(this.lanesOf, lot)
    for (const kept of [this.lotAt, this.moneyAt]) kept.delete(lot)
    for (const marked of [this.dirtyLots, this.dirtyWhole]) marked.delete(lot)
  }

  private forgetLane(id: string): void {
    drop(this.lanes, id)
    this.laneAt.delete(id)
    this.dirtyLanes.delete(id)
  }
}

/** Take something away. Gone first, told after: whoever looks again finds nothing. */
function drop<T>(places: Map<string, ShallowRef<T | null>>, id: string): void {
  const found = places.get(id)
  places.delete(id)
  if (found) found.value = null
}

function first(marked: Set<string>, most: number): string[] {
  const taken: string[] = []
  for (const id of marked) {
    if (taken.length === most) break
    taken.push(id)
    marked.delete(id)
  }
  return taken
}

function same<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((each, at) => each === other[at])
}
