// Keeps a `LiveStore` true: a snapshot, the feed from its position on, and at most once a second one question for what
// changed. It knows whether what is shown is fresh; after every break it looks at everything anew before it says so.
import { computed, ref, shallowRef, watch, type ComputedRef, type Ref, type WatchStopHandle } from 'vue'
import type { Schemas } from '@api'
import type { FeedEvent, FeedState } from '@/feed'
import type { LiveStore, Work } from './store'

export interface Asks {
  all: () => Promise<Schemas['LiveView']>
  /** One lot with its lanes; null when it is not there for the caller. */
  lot: (id: string) => Promise<Schemas['LiveView'] | null>
  lots: (ids: string[]) => Promise<Schemas['LiveView']>
  lanes: (ids: string[]) => Promise<Schemas['LiveLanesView']>
}
export interface Following {
  readonly state: Ref<FeedState>
  readonly heardAt: Ref<number>
  start: (position: number) => void
  stop: () => void
}

const EVERY_MS = 1_000
const GATHER_MS = 40 // events of one deed come together
const AGAIN_MS = 3_000
const TOUCH_MS = 60_000

export class Follower {
  /** The first snapshot has come. */
  readonly isKnown = ref(false)
  readonly error = shallowRef<unknown>(null)
  readonly isFresh: ComputedRef<boolean>
  /** When everything shown was last known to be true, by the browser's clock. */
  readonly trueAt = ref(0)
  private readonly catchingUp = ref(true)
  private readonly isOnline = ref(navigator.onLine)
  private timer = 0
  private touching = 0
  private askedAt = 0
  private asking = false
  private ended = false
  private unwatch: WatchStopHandle | null = null
  private listeners = new Set<(events: readonly FeedEvent[]) => void>()

  /** `always`: also while the page is not seen, for whoever must hear that somebody waits. */
  constructor(
    readonly store: LiveStore,
    private readonly asks: Asks,
    private readonly feed: Following,
    private readonly always = false,
  ) {
    this.isFresh = computed(() =>
      this.isKnown.value && this.isOnline.value && feed.state.value === 'live' && !this.catchingUp.value && this.error.value === null,
    )
  }

  /** Look at everything and follow from there; when it cannot be asked for, again later. */
  async begin(): Promise<void> {
    window.addEventListener('offline', this.network)
    window.addEventListener('online', this.network)
    document.addEventListener('visibilitychange', this.seen)
    this.touching = window.setInterval(() => {
      this.store.touch()
      this.schedule()
    }, TOUCH_MS)
    await this.first()
  }

  end(): void {
    this.ended = true
    clearTimeout(this.timer)
    clearInterval(this.touching)
    window.removeEventListener('offline', this.network)
    window.removeEventListener('online', this.network)
    document.removeEventListener('visibilitychange', this.seen)
    this.unwatch?.()
    this.feed.stop()
  }

  /** Tell somebody of all events, too. Returns how to stop. */
  listen(hear: (events: readonly FeedEvent[]) => void): () => void {
    this.listeners.add(hear)
    return () => this.listeners.delete(hear)
  }

  /** Events that came: called by the feed. */
  take(events: FeedEvent[]): void {
    this.store.take(events)
    for (const hear of this.listeners) hear(events)
    this.schedule()
  }

  /** Look at everything anew and return the position to go on from: called by the feed when the log cannot be followed. */
  async lookAnew(): Promise<number> {
    const at = Date.now()
    const found = await this.asks.all()
    if (this.ended) return found.position
    this.store.putAll(found)
    this.isKnown.value = true
    this.error.value = null
    this.catchingUp.value = false
    this.trueAt.value = at
    return found.position
  }

  /** Have a lot asked for whose lanes are not known yet. */
  want(lot: string): void {
    this.store.want(lot)
    this.schedule()
  }

  /** Ask now for what is marked; after an error it is tried again. */
  readonly retry = (): void => {
    if (!this.isKnown.value) void this.first()
    else void this.catchUp()
  }

  private async first(): Promise<void> {
    clearTimeout(this.timer)
    this.timer = 0
    try {
      const position = await this.lookAnew()
      if (this.ended) return
      this.feed.start(position)
      this.unwatch = watch(this.feed.state, (now) => {
        if (now === 'lost') this.stale()
        if (now === 'live' && (this.catchingUp.value || Date.now() - this.trueAt.value > AGAIN_MS)) void this.catchUp()
      }, { flush: 'sync' })
    } catch (reason) {
      this.error.value = reason
      if (!this.ended) this.timer = window.setTimeout(() => void this.first(), AGAIN_MS)
    }
  }

  private stale(): void {
    if (!this.store.hasWork && !this.catchingUp.value) this.trueAt.value = Math.max(this.trueAt.value, this.feed.heardAt.value)
    this.catchingUp.value = true
  }

  /** After a break: what came meanwhile is told by the feed, but only a look at everything makes it sure. */
  private async catchUp(): Promise<void> {
    clearTimeout(this.timer)
    this.timer = 0
    this.catchingUp.value = true
    try {
      await this.lookAnew()
      this.schedule()
    } catch (reason) {
      this.error.value = reason
      if (!this.ended) this.timer = window.setTimeout(() => void this.catchUp(), AGAIN_MS)
    }
  }

  private readonly network = (): void => {
    if (!navigator.onLine) this.stale()
    this.isOnline.value = navigator.onLine
    if (this.isOnline.value && this.isKnown.value) void this.catchUp()
  }

  private readonly seen = (): void => {
    if (document.hidden || this.always || !this.isKnown.value || !this.store.hasWork) return
    void this.catchUp()
  }

  private schedule(): void {
    if (this.timer || this.asking || this.ended || !this.isKnown.value || !this.store.hasWork) return
    if (document.hidden && !this.always) return
    const wait = Math.max(GATHER_MS, this.askedAt + EVERY_MS - Date.now())
    this.timer = window.setTimeout(() => void this.ask(), wait)
  }

  private async ask(): Promise<void> {
    this.timer = 0
    this.asking = true
    this.askedAt = Date.now()
    const work = this.store.work()
    let failed = false
    try {
      await this.answer(work)
      this.trueAt.value = this.askedAt
    } catch (reason) {
      failed = true
      this.stale()
      this.store.giveBack(work)
      this.error.value = reason
    } finally {
      this.asking = false
    }
    if (this.ended) return
    if (failed) this.timer = window.setTimeout(() => void this.catchUp(), AGAIN_MS)
    else this.schedule()
  }

  private async answer(work: Work): Promise<void> {
    const asks = this.asks
    const [ofLots, ofLanes, ...whole] = await Promise.all([
      work.lots.length ? asks.lots(work.lots) : null,
      work.lanes.length ? asks.lanes(work.lanes) : null,
      ...work.whole.map((id) => asks.lot(id)),
    ])
    if (this.ended) return
    for (const [at, view] of whole.entries()) {
      if (view) this.store.putLots(view)
      else this.store.forget(work.whole[at]!)
    }
    if (ofLots) this.store.putLots(ofLots)
    if (ofLanes) this.store.putLanes(ofLanes)
  }
}
