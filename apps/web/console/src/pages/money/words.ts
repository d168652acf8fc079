// States of money as people read them, each with the tone that its tag has.
import type { Schemas } from '@api'
import type { Tone } from '@/parts/StateTag.vue'
import { said } from '@/texts'

type Tones<S extends string> = Readonly<Record<S, Tone>>
const BILLS: Tones<Schemas['BillState']> = { open: 'warn', settled: 'good', void: 'quiet', superseded: 'quiet', written_off: 'bad' }
const ATTEMPTS: Tones<Schemas['AttemptState']> = { opening: 'info', open: 'info', paid: 'good', failed: 'bad', expired: 'quiet', closed: 'quiet', differs: 'bad' }
const REFUNDS: Tones<Schemas['RefundState']> = { asked: 'info', stuck: 'warn', done: 'good', given_up: 'bad' }
const DEBTS: Tones<Schemas['DebtState']> = { open: 'warn', disputed: 'info', waived: 'quiet', paid: 'good', lapsed: 'quiet' }
const DAYS: Tones<Schemas['DayState']> = { open: 'warn', closed: 'good' }
const DIFFERENCES: Tones<Schemas['DifferenceState']> = { open: 'warn', gone: 'quiet', decided: 'good' }
const CHANNELS: Tones<Schemas['ChannelAccountState']> = { active: 'good', paused: 'warn', closed: 'quiet' }
const PAYOUTS: Tones<Schemas['PayoutState']> = { booked: 'good', withdrawn: 'quiet' }
const SHIFTS: Tones<Schemas['ShiftState']> = { open: 'info', counted: 'warn', handed_over: 'good' }
const PREPAID: Tones<Schemas['PrepaidState']> = { active: 'good', paused: 'warn', closed: 'quiet' }

export interface Shown {
  tone: Tone
  text: string
}
const shown = <S extends string>(tones: Tones<S>, prefix: string) => (state: S): Shown => ({ tone: tones[state], text: said(`console.money.${prefix}`, state) })

export const billState = shown(BILLS, 'bill_state')
export const attemptState = shown(ATTEMPTS, 'attempt_state')
export const refundState = shown(REFUNDS, 'refund_state')
export const debtState = shown(DEBTS, 'debt_state')
export const dayState = shown(DAYS, 'day_state')
export const differenceState = shown(DIFFERENCES, 'difference_state')
export const channelState = shown(CHANNELS, 'channel_state')
export const payoutState = shown(PAYOUTS, 'payout_state')
export const shiftState = shown(SHIFTS, 'shift_state')
export const prepaidState = shown(PREPAID, 'prepaid_state')

export const BILL_STATES = Object.keys(BILLS) as Schemas['BillState'][]
export const REFUND_STATES = Object.keys(REFUNDS) as Schemas['RefundState'][]
export const DEBT_STATES = Object.keys(DEBTS) as Schemas['DebtState'][]
export const DAY_STATES = Object.keys(DAYS) as Schemas['DayState'][]
export const METHODS: readonly Schemas['ReceiptMethod'][] = ['cash', 'wechatpay', 'alipay', 'sandpay', 'pos', 'prepaid', 'other']
export const methodText = (method: string): string => said('finance.method', method)

/** Return what somebody is called: a person by login, anything else by its kind. */
export function whoText(one: { kind: string; login: string | null } | null): string {
  return one ? (one.login ?? said('console.money.actor', one.kind)) : '–'
}
