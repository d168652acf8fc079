// How values are shown: money exactly from whole minor units, instants in the zone of their lot, lengths of time.
import type { Schemas } from '../api/client'
import type { Language } from './texts'

export type Money = Schemas['MoneyView']

const SIGNS: Readonly<Record<string, string>> = { CNY: '¥', USD: '$', EUR: '€', GBP: '£', HKD: 'HK$', JPY: '¥' }
// Currencies whose smallest unit is the whole one (ISO 4217); the server knows no others with other than two decimals.
const DIGITS: Readonly<Record<string, number>> = { JPY: 0, KRW: 0, VND: 0 }

/** Return how many decimals the amounts of a currency have. */
export function decimalsOf(currency: string): number {
  return DIGITS[currency] ?? 2
}

/** Return an amount without its sign of currency: `1,234.50`. Whole numbers only, no binary fractions. */
export function amountText(minor: number, currency: string): string {
  const decimals = decimalsOf(currency)
  const digits = String(Math.abs(minor)).padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals).replace(/\B(?=(\d{3})+$)/g, ',')
  const rest = decimals ? `.${digits.slice(-decimals)}` : ''
  return `${minor < 0 ? '−' : ''}${whole}${rest}`
}

/** Return money as people read it: `¥12.00`, `−¥3.50`. */
export function moneyText(money: Money | null | undefined): string {
  if (!money) return ''
  const amount = amountText(Math.abs(money.minor), money.currency)
  return `${money.minor < 0 ? '−' : ''}${SIGNS[money.currency] ?? `${money.currency} `}${amount}`
}

/** Read an amount that somebody typed, as whole minor units; null when it is none or has too many decimals. */
export function readAmount(text: string, currency: string): number | null {
  const decimals = decimalsOf(currency)
  // Commas part thousands or are a mistake: taken for nothing, "12,50" would be a hundred times as much.
  const match = /^(\d{1,9}|\d{1,3}(?:,\d{3}){1,2})(?:\.(\d+))?$/.exec(text.trim())
  if (!match || (match[2]?.length ?? 0) > decimals) return null
  return Number(match[1]!.replace(/,/g, '') + (match[2] ?? '').padEnd(decimals, '0'))
}

const dates = new Map<string, Intl.DateTimeFormat>()

function partsOf(iso: string, zone: string): Record<string, string> {
  let format = dates.get(zone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit',
      hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
    })
    dates.set(zone, format)
  }
  return Object.fromEntries(format.formatToParts(new Date(iso)).map((part) => [part.type, part.value]))
}

/** Return an instant in a zone: `2026-03-02 10:15:07`; without seconds when asked so. */
export function instantText(iso: string | null | undefined, zone: string, seconds = true): string {
  if (!iso) return ''
  const part = partsOf(iso, zone)
  return `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}${seconds ? `:${part.second}` : ''}`
}

/** Return the time of day of an instant in a zone: `10:15:07`. */
export function timeText(iso: string | null | undefined, zone: string, seconds = true): string {
  return instantText(iso, zone, seconds).slice(11)
}

/** Return the day of an instant in a zone: `2026-03-02`. */
export function dayText(iso: string | null | undefined, zone: string): string {
  return instantText(iso, zone).slice(0, 10)
}

/** Return a length of time in words: `3天4小时`, `2 h 5 min`, `12 s`. Two units at most. */
export function lengthText(seconds: number, language: Language): string {
  const s = Math.max(0, Math.floor(seconds))
  const words = language === 'zh' ? ['天', '小时', '分钟', '秒'] : [' d', ' h', ' min', ' s']
  const values = [Math.floor(s / 86_400), Math.floor(s / 3_600) % 24, Math.floor(s / 60) % 60, s % 60]
  const first = values.findIndex((value) => value > 0)
  if (first < 0) return `0${words[3]}`
  const shown = [first, first + 1].filter((at) => at < 4 && values[at]! > 0 && !(at === 3 && first < 2))
  return shown.map((at) => `${values[at]}${words[at]}`).join(language === 'zh' ? '' : ' ')
}

/** Return seconds between two instants. */
export function secondsBetween(from: string, to: string | number): number {
  const end = typeof to === 'number' ? to : Date.parse(to)
  return Math.floor((end - Date.parse(from)) / 1000)
}
