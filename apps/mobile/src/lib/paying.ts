// Paying: where the payer stands decides the way. What was begun is kept on the phone, so that it is followed after the
// channel's page came back, or the app was opened anew.
import type { Schemas } from '@openberth/api'
import type { Money } from '@openberth/shared/formats'

import { api } from '@/api/client'
import { type Order, type Payment, signs, type Way } from '@/api/signs'
import { keep, kept } from '@/lib/kept'

const NAME = 'paying'
const KEPT_MS = 30 * 60_000

/** What is paid: the bill behind a sign, open to whoever stands there, or a bill of one's own. */
export type Target = { code: string } | { bill: string }

/** What was begun and is not known to have an end. */
export interface Begun {
  target: Target
  order: string
  due: Money
  at: number
  /** The bill that took the place of one's own: money for the old one counts there. */
  instead?: string
}

/**
 * What became of what was begun. Of one's own bills also: `moved`, another one asks for the same now and
 * it is not known whether the money came; `part`, it came and a rest is owed there; `withdrawn`, nothing is owed and
 * nothing came; `surplus`, nothing is owed and it came.
 */
export type Outcome = Omit<Payment, 'state'> & { state: Payment['state'] | 'moved' | 'part' | 'withdrawn' | 'surplus' }

type Channel = Schemas['ChannelKind']

/** Return how one pays here: inside the mini-program, or on the channel's page. */
function wayHere(): Way {
  // #ifdef MP-WEIXIN
  return 'app'
  // #endif
  // #ifndef MP-WEIXIN
  return 'page'
  // #endif
}

/** Return the channels that can be paid by where this runs. */
export function payableHere(channels: readonly string[]): string[] {
  // #ifdef MP-WEIXIN
  return channels.filter((channel) => channel === 'wechatpay')
  // #endif
  // #ifndef MP-WEIXIN
  return [...channels]
  // #endif
}

/** Return the code by which WeChat tells who pays; elsewhere nobody is asked. */
function payerCode(): Promise<string | undefined> {
  // #ifdef MP-WEIXIN
  return loginCode()
  // #endif
  // #ifndef MP-WEIXIN
  return Promise.resolve(undefined)
  // #endif
}

/** Return a login code of the mini-program. */
export function loginCode(): Promise<string> {
  return new Promise((resolve, reject) => {
    uni.login({ provider: 'weixin', success: (told) => resolve(told.code), fail: (failure) => reject(new Error(failure.errMsg)) })
  })
}

export type Handed = 'followed' | 'cancelled' | 'failed'

/** Hand an order to where it is paid. `followed`: ask what became of it. */
export function handOver(order: Pick<Order, 'pay_url' | 'client'>): Promise<Handed> {
  // #ifdef H5
  if (order.pay_url?.startsWith('http')) window.location.assign(order.pay_url)
  return Promise.resolve(order.pay_url ? 'followed' : 'failed')
  // #endif
  // #ifdef MP-WEIXIN
  return new Promise((resolve) => {
    const { timeStamp, nonceStr, package: pack, signType, paySign } = order.client
    uni.requestPayment({
      provider: 'wxpay',
      orderInfo: '',
      timeStamp: timeStamp ?? '',
      nonceStr: nonceStr ?? '',
      package: pack ?? '',
      signType: signType ?? 'RSA',
      paySign: paySign ?? '',
      success: () => resolve('followed'), // that it is paid is known once the channel has told
      fail: (failure: { errMsg?: string }) => resolve(/cancel/.test(failure.errMsg ?? '') ? 'cancelled' : 'failed'),
    })
  })
  // #endif
}

/** Tell whether this is the browser of WeChat or Alipay, which pay by their own app only. */
export function isOwnBrowser(): boolean {
  // #ifdef H5
  return /MicroMessenger|AlipayClient/.test(navigator.userAgent)
  // #endif
  // #ifndef H5
  return false
  // #endif
}

/** In such a browser the server's own page leads through: who pays has to be asked of WeChat first. */
export function payOnPage(code: string): void {
  // #ifdef H5
  window.location.assign(`/c/${code}`)
  // #endif
}

/** Have an order opened for a bill, by a channel. */
export async function openOrder(target: Target, bill: string, channel: string): Promise<Order> {
  const who = await payerCode()
  const how = { channel: channel as Channel, way: wayHere(), ...(who ? { payer_code: who } : {}) }
  if ('code' in target) return signs.pay(target.code, { bill, ...how })
  return (await api.post('/v1/me/bills/{bill}/pay', { path: { bill: target.bill }, body: how })) as Order
}

/** Ask what became of what was begun. */
export async function lookAt(begun: Begun): Promise<Outcome> {
  const { target } = begun
  if ('code' in target) return signs.payment(target.code, begun.order)
  const told = await followed(begun.instead ?? target.bill)
  if (told.bill.id !== target.bill && told.bill.id !== begun.instead) {
    begun.instead = told.bill.id // the old bill may name yet another one later
    if (kept<Begun>(NAME)?.order === begun.order) remember(begun)
  }
  return { state: stateOf(told, begun), due: begun.due, receipt: told.receipts[0]?.url ?? null, barrier: told.barrier }
}

/** Return a bill of one's own, or the one that asks for the same now. */
export async function followed(bill: string): Promise<Schemas['OwnBillNowView']> {
  const told = await api.get('/v1/me/bills/{bill}', { path: { bill } })
  const next = told.bill.replaced_by
  return next ? api.get('/v1/me/bills/{bill}', { path: { bill: next } }) : told
}

/** Return what a bill says of the payment. Nobody is told by guess that nothing came, or to pay again. */
function stateOf({ bill, receipts }: Schemas['OwnBillNowView'], begun: Begun): Outcome['state'] {
  switch (bill.state) {
    case 'settled':
      return 'paid'
    case 'open':
      if (begun.instead === undefined) return 'open'
      return bill.paid.minor >= begun.due.minor ? 'part' : 'moved'
    case 'superseded':
      return 'moved'
    case 'void':
    case 'written_off':
      return receipts.length || bill.paid.minor ? 'surplus' : 'withdrawn'
  }
}

/** Return what was begun for this lately. */
export function begunFor(target: Target): Begun | null {
  const begun = kept<Begun>(NAME)
  const isIt = begun !== null && JSON.stringify(begun.target) === JSON.stringify(target)
  return isIt && Date.now() - begun.at < KEPT_MS ? begun : null
}

/** Remember what was begun; null: it has an end. */
export function remember(begun: Begun | null): void {
  keep(NAME, begun)
}
