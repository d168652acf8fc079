import { describe, expect, it } from 'vitest'
import { amountText, instantText, lengthText, moneyText, readAmount } from '@shared/formats'

describe('money', () => {
  it.each([
    [0, 'CNY', '0.00'], [5, 'CNY', '0.05'], [1234567, 'CNY', '12,345.67'], [-350, 'CNY', '−3.50'], [1234567, 'JPY', '1,234,567'],
  ])('%i minor units of %s are %s', (minor, currency, text) => expect(amountText(minor, currency)).toBe(text))

  it('has its sign before the amount', () => {
    expect(moneyText({ minor: -1200, currency: 'CNY' })).toBe('−¥12.00')
    expect(moneyText({ minor: 1200, currency: 'SGD' })).toBe('SGD 12.00')
    expect(moneyText(null)).toBe('')
  })

  it.each([['12', 1200], ['12.5', 1250], ['1,200.05', 120005], ['0.1', 10]])('reads %s exactly', (text, minor) => expect(readAmount(text, 'CNY')).toBe(minor))
  it.each(['', '12,50', '12,5', '1,2,3', ',5', '1.234', '-1', '1e3', '12,5 €', '0x10'])('refuses %s', (text) => expect(readAmount(text, 'CNY')).toBeNull())
})

describe('time', () => {
  it('is that of the lot, not of the browser', () => {
    expect(instantText('2026-03-02T16:30:05.000001Z', 'Asia/Shanghai')).toBe('2026-03-03 00:30:05')
    expect(instantText('2026-03-02T16:30:05Z', 'UTC', false)).toBe('2026-03-02 16:30')
  })

  it.each([
    [0, '0秒', '0 s'], [59, '59秒', '59 s'], [61, '1分钟1秒', '1 min 1 s'], [3_600, '1小时', '1 h'], [3_661, '1小时1分钟', '1 h 1 min'], [90_061, '1天1小时', '1 d 1 h'],
  ])('%i seconds are %s, %s', (seconds, zh, en) => {
    expect(lengthText(seconds, 'zh')).toBe(zh)
    expect(lengthText(seconds, 'en')).toBe(en)
  })
})
