// Signs at lanes and of lots: open to whoever stands before them, signed in or not. These routes are no part of the
// described API (docs/guides/lane-codes.md), so their shapes stand here.
import type { Schemas } from '@openberth/api'
import type { Money } from '@openberth/shared/formats'

import { open } from '@/api/client'

export interface Due {
  id: string
  number: string
  due: Money
  paid: Money
  state: string
  quoted_at: string
  valid_until: string | null
  lines: Schemas['LineView'][]
}
export interface Name {
  zh: string
  en: string
}
export interface Waiting {
  passage: string
  plate: string | null
  ask: 'pay' | 'enter' | 'identify' | 'nothing'
  bill: Due | null
  channels: string[]
}
export interface LaneSign {
  kind: 'lane'
  lot: string
  /** The zone of the lot, by whose clock times are read there. */
  zone: string
  lane: string
  name: Name
  direction: 'entry' | 'exit' | 'inner'
  waiting: Waiting | null
}
export interface LotSign {
  kind: 'lot'
  lot: string
  /** The zone of the lot, by whose clock times are read there. */
  zone: string
  name: Name
  free: number
  state: 'open' | 'full' | 'closed' | 'closed_to_all'
}
export interface Bill {
  bill: Due
  channels: string[]
  receipts: string[]
}
export interface Order {
  attempt: string
  channel: string
  pay_url: string | null
  due: Money
  expires_at: string
  receipt: string
  order: string
  client: Record<string, string>
}
export interface Payment {
  state: 'opening' | 'open' | 'paid' | 'failed' | 'expired' | 'closed' | 'differs'
  due: Money
  receipt: string | null
  barrier: 'waiting' | 'opening' | 'open' | 'stuck' | 'unknown' | 'left' | null
}
export type Way = 'code' | 'page' | 'app'
/** Whose car is meant: its plate, or the pass of a car without one. */
export type Whose = { plate: string } | { pass: string }

async function ask<T>(method: 'GET' | 'POST', code: string, rest: string, body?: unknown, query?: Record<string, string>): Promise<T> {
  return JSON.parse(await open.text(method, `/c/{code}${rest}`, { path: { code }, body, query })) as T
}

export const signs = {
  look: (code: string) => ask<LaneSign | LotSign>('GET', code, ''),
  pay: (code: string, how: { bill?: string; channel?: string; way: Way; payer_code?: string }) => ask<Order>('POST', code, '/pay', how),
  payment: (code: string, order: string) => ask<Payment>('GET', code, '/payment', undefined, { order }),
  enter: (code: string, claim: string) => ask<{ pass: string; passage: string }>('POST', code, '/enter', { claim }),
  leave: (code: string, pass: string) => ask<LaneSign>('POST', code, '/leave', { pass }),
  bill: (code: string, whose: Whose) => ask<Bill>('POST', code, '/bills', whose),
}
