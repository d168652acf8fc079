// A pretend server for the live pages: lots, lanes, a log with a position, and the answers it would give.
import type { Schemas } from '@api'
import type { FeedEvent } from '@/feed'
import type { Asks } from '@/pages/live/follower'
import type { LaneNow } from '@/pages/live/store'

type LiveView = Schemas['LiveView']
type Passage = NonNullable<LaneNow['passage']>
const name = (words: string) => ({ zh: words, en: words })

export class World {
  position = 10
  moneyPosition = 10
  asked: string[] = []
  failing: unknown = null
  readonly lots: Schemas['LiveLotView'][] = []
  readonly lanes = new Map<string, LaneNow>()

  constructor(lots = 2, lanesEach = 3) {
    for (let lot = 1; lot <= lots; lot++) {
      const id = `lot-${lot}`
      const lanes = Array.from({ length: lanesEach }, (_, at): LaneNow => ({
        id: `${id}-lane-${at + 1}`, lot: id, code: `lane-${at + 1}`, name: name(`Lane ${at + 1}`), kind: at % 2 ? 'exit' : 'entry', passage: null,
      }))
      for (const lane of lanes) this.lanes.set(lane.id, lane)
      this.lots.push({
        id, company: 'company', code: id, name: name(`Lot ${lot}`), zone: 'Asia/Shanghai', currency: 'CNY', state: 'open', capacity: 100,
        occupied: 40, free: 60, areas: [], lanes, exceptions: { open: 0, newest: null }, alarms: 0,
        money: { day: '2026-03-02', billed: { minor: 0, currency: 'CNY' }, received: {}, foreign: [] },
        devices: { online: 3, offline: 0, never_seen: 0 },
      })
    }
  }

  /** A car comes to a lane; returns the events of it. */
  pass(lane: string, change: Partial<Passage> = {}): FeedEvent[] {
    const found = this.lanes.get(lane)!
    const passage: Passage = {
      id: `passage-${this.position + 1}`, captured_at: new Date(1_770_000_000_000 + this.position * 1_000).toISOString(), plate: '粤B·**345',
      action: 'open', reason: 'entry.casual', decision: 'let in', state: 'passed', ask: 'nothing', waiting: false, stay: null, bill: null,
      pictures: [], opening: null, ...change,
    }
    this.lanes.set(lane, { ...found, passage })
    return [this.event('stays.passage_decided', found.lot, { lane, passage: passage.id })]
  }

  event(kind: string, lot: string, body: Record<string, unknown> = {}): FeedEvent {
    this.position++
    return { position: this.position, id: String(this.position), kind, lot, company: 'company', key: lot, occurred_at: '', recorded_at: '', body }
  }

  view(lots = this.lots, withLanes = true): LiveView {
    const now = lots.map((lot) => ({ ...lot, lanes: withLanes ? lot.lanes!.map((lane) => this.lanes.get(lane.id)!) : null }))
    return { position: this.position, money_position: this.moneyPosition, business_now: '', machine_now: '', lots: now }
  }

  readonly asks: Asks = {
    all: async () => this.answer('all', this.view()),
    lot: async (id) => this.answer(`lot ${id}`, this.view(this.lots.filter((lot) => lot.id === id))),
    lots: async (ids) => this.answer(`lots ${ids.join()}`, this.view(this.lots.filter((lot) => ids.includes(lot.id)), false)),
    lanes: async (ids) => this.answer(`lanes ${ids.join()}`, { position: this.position, lanes: ids.map((id) => this.lanes.get(id)!) }),
  }

  private answer<T>(what: string, value: T): T {
    if (this.failing) throw this.failing
    this.asked.push(what)
    return value
  }
}

/** A socket that a test speaks through. */
export class Socket {
  static all: Socket[] = []
  static get last(): Socket {
    return Socket.all.at(-1)!
  }
  onopen: (() => void) | null = null
  onmessage: ((message: { data: string }) => void) | null = null
  onclose: ((event: { code: number }) => void) | null = null
  constructor(readonly url: string) {
    Socket.all.push(this)
  }
  close(): void {}
  say(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) })
  }
  ready(position: number): void {
    this.onopen?.()
    this.say({ type: 'ready', position })
  }
  tell(events: FeedEvent[]): void {
    this.say({ type: 'events', events, position: events.at(-1)!.position })
  }
  breaks(code = 1006): void {
    this.onclose?.({ code })
  }
}
