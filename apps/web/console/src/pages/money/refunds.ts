// What of a receipt can still go back, by the rule of the server: what was counted towards its bill, less what went or is on its way.
import type { Schemas } from '@api'
import type { Money } from '@shared/formats'

type Receipt = Schemas['ReceiptView']
type Refund = Schemas['RefundView']

/** Return what may still be given back of what a receipt paid. Surplus goes back by itself. */
export function refundable(receipt: Receipt, refunds: readonly Refund[]): Money {
  const gone = refunds.filter((each) => each.receipt === receipt.id && each.cause !== 'surplus' && each.state !== 'given_up')
  const minor = receipt.amount.minor - receipt.surplus.minor - gone.reduce((sum, each) => sum + each.amount.minor, 0)
  return { minor: Math.max(0, minor), currency: receipt.amount.currency }
}

/** Tell whether a refund will still change by itself. */
export function isUnderWay(refund: Refund): boolean {
  return refund.state === 'asked'
}

/** Tell whether a person gives it back: what came in cash or by slip knows no channel. */
export function isByHand(refund: Refund): boolean {
  return refund.method === 'pos' || refund.method === 'other'
}
