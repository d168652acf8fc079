import type { Schemas } from '@api'
import { describe, expect, test } from 'vitest'
import { missing, paramsOf, secretsOf, SETTINGS, typedOf } from '@/pages/money/channels'
import { platesOf } from '@/pages/money/plates'
import { isByHand, refundable } from '@/pages/money/refunds'
import { denominationsOf, piecesOf, varianceKind, worthOf } from '@/pages/money/shifts'
import { boundsOf } from '@/spans'

const cny = (minor: number) => ({ minor, currency: 'CNY' })
const receipt = { id: 'r1', amount: cny(1500), surplus: cny(300), method: 'wechatpay' } as Schemas['ReceiptView']
const refund = (minor: number, state: Schemas['RefundState'], cause: Schemas['RefundCause'] = 'by_hand', of = 'r1') =>
  ({ receipt: of, amount: cny(minor), state, cause, method: 'wechatpay' }) as Schemas['RefundView']

describe('what can go back of a receipt', () => {
  test.each<[string, Schemas['RefundView'][], number]>([
    ['what paid, not the surplus', [], 1200],
    ['less what went and what is on its way', [refund(200, 'done'), refund(100, 'asked'), refund(50, 'stuck')], 850],
    ['not less what was given up', [refund(200, 'given_up')], 1200],
    ['not less surplus that went back', [refund(300, 'done', 'surplus')], 1200],
    ['not less what goes back of another', [refund(200, 'done', 'by_hand', 'r2')], 1200],
    ['never less than nothing', [refund(1200, 'done'), refund(1200, 'done')], 0],
  ])('%s', (_, refunds, minor) => expect(refundable(receipt, refunds)).toEqual(cny(minor)))

  test('a person gives back what no channel took', () => {
    expect((['cash', 'pos', 'other', 'alipay', 'prepaid'] as const).filter((method) => isByHand({ method } as Schemas['RefundView']))).toEqual(['pos', 'other'])
  })
})

describe('counting cash', () => {
  test('pieces add up exactly', () => {
    expect(worthOf({ [100_00]: 2, 50: 3, 10: 1 })).toBe(20_160)
    expect(worthOf({})).toBe(0)
    expect(worthOf({ 10: undefined as unknown as number })).toBe(0) // a field that was emptied
  })
  test('what is not there is not sent', () => expect(piecesOf({ 10: 0, 50: 1, [100_00]: 2 })).toEqual([{ minor: 100_00, pieces: 2 }, { minor: 50, pieces: 1 }]))
  test('a currency whose notes are not known is counted as a sum', () => {
    expect(denominationsOf('CNY')[0]).toBe(100_00)
    expect(denominationsOf('SGD')).toEqual([])
  })
  test('a variance has a word', () => expect([null, cny(0), cny(-5), cny(5)].map(varianceKind)).toEqual(['unknown', 'none', 'short', 'over']))
})

describe('a contract', () => {
  test('sends what was typed, keeps what this page does not know, leaves out what is empty', () => {
    expect(paramsOf('sandpay', { url: ' http://x ', merchant: '', channel_key: 'PEM' }, { merchant: 'old', newer: 1 })).toEqual({ newer: 1, url: 'http://x', channel_key: 'PEM' })
  })
  test('sends no secret that stays, and an empty one for each that goes', () => {
    expect(secretsOf('wechatpay', { private_key: '', api_v3_key: 'k', oauth_secret: 'typed' }, new Set(['oauth_secret']))).toEqual({ api_v3_key: 'k', oauth_secret: '' })
  })
  test('says what is missing; secrets that it has need not be entered again', () => {
    expect(missing('sandpay', { url: 'u' }, {})).toEqual(['merchant', 'channel_key', 'merchant_key'])
    expect(missing('sandpay', { url: 'u', merchant: 'm', channel_key: 'k' }, {}, ['merchant_key'])).toEqual([])
  })
  test('is typed as it was sent', () => expect(typedOf({ appid: 'wx1', more: { a: 1 } })).toEqual({ appid: 'wx1', more: '{"a":1}' }))
  test('no setting is named twice', () => {
    for (const { params, secrets } of Object.values(SETTINGS)) {
      const names = [...params, ...secrets].map((each) => each.name)
      expect(new Set(names).size).toBe(names.length)
    }
  })
})

test('plates are read between spaces, commas and lines, each once', () => {
  expect(platesOf(' 粤b12345，京A88888\n粤B12345 、')).toEqual(['粤B12345', '京A88888'])
  expect(platesOf('  ')).toEqual([])
})

describe('days of a list', () => {
  test.each([
    [{ from: '2026-03-01', to: '2026-03-02' }, { since: '2026-02-28T16:00:00.000Z', until: '2026-03-02T16:00:00.000Z' }],
    [{ from: '2026-03-01' }, { since: '2026-02-28T16:00:00.000Z' }],
    [{ from: 'soon', to: '2026-02-30T' }, {}],
    [{}, {}],
  ])('%j are instants in the zone of the lot, the last day whole', (days, instants) => expect(boundsOf(days, 'Asia/Shanghai')).toEqual(instants))
})
