// What the page of finance makes of an answer: what a chart shows and how lines are ordered. Whole minor units all the way.
import type { Schemas } from '@api'
import { addDays, isDay } from '@/days'

export type FinanceLine = Schemas['FinanceLineView']
export type Figures = Schemas['FiguresView']
export type Dimension = Schemas['Dimension']

export const DIMENSIONS = ['day', 'month', 'lot', 'method', 'channel', 'tariff', 'operator', 'company', 'partner'] as const satisfies readonly Dimension[]
export const AMOUNTS = ['receivable', 'received', 'surplus', 'relieved', 'refunded', 'returned', 'written_off', 'kept', 'put_in', 'paid_out'] as const
export type Amount = (typeof AMOUNTS)[number]
/** What is narrowed by a press on a name; days and months narrow the span instead. */
export const NARROWED = ['lot', 'method', 'channel', 'tariff', 'operator', 'company', 'partner'] as const
export type Narrowed = (typeof NARROWED)[number]

const SERIES_MAX = 7
const BARS_MAX = 15

/** Read dimensions as the address has them: `day,lot`. What is none is left out. */
export function dimensionsOf(text: string | undefined): Dimension[] {
  const words = (text ?? '').split(',')
  return words.filter((word, at): word is Dimension => (DIMENSIONS as readonly string[]).includes(word) && words.indexOf(word) === at)
}

export interface Drawn {
  /** Times go from left to right, other names from top to bottom. */
  isTime: boolean
  categories: string[]
  /** One value for each category, in minor units. */
  series: { name: string; amount: Amount; values: number[]; stacked: boolean }[]
}
interface Words {
  amount: (amount: Amount) => string
  rest: string
  nothing: string
}

/**
 * Return what a chart shows of lines in one currency; null where there is nothing to compare. Over times: what was due,
 * came and went back, or what came by the other dimension, its biggest parts by name. Else: what came by the first one.
 */
export function drawn(lines: readonly FinanceLine[], by: readonly Dimension[], currency: string, words: Words): Drawn | null {
  const mine = lines.filter((line) => line.sums.currency === currency)
  const time = by.find((each) => each === 'day' || each === 'month')
  const other = by.find((each) => each !== 'day' && each !== 'month')
  if (!mine.length || !(time ?? other)) return null
  const nameOn = (line: FinanceLine, dimension: Dimension) => line.group[dimension]?.name ?? words.nothing
  if (!time) {
    const sums = summed(mine, (line) => nameOn(line, other!))
    const biggest = [...sums].sort(([, a], [, b]) => worth(b) - worth(a)).slice(0, BARS_MAX)
    return {
      isTime: false, categories: biggest.map(([name]) => name),
      series: (['received', 'receivable'] as const).map((amount) => ({ name: words.amount(amount), amount, values: biggest.map(([, sum]) => sum[amount]), stacked: false })),
    }
  }
  const times = [...new Set(mine.map((line) => line.group[time]?.code ?? ''))].sort()
  if (!other) {
    const sums = summed(mine, (line) => line.group[time]?.code ?? '')
    return {
      isTime: true, categories: times,
      series: (['receivable', 'received', 'refunded', 'kept'] as const).map((amount) => ({ name: words.amount(amount), amount, values: times.map((each) => sums.get(each)?.[amount] ?? 0), stacked: false })),
    }
  }
  // What received nothing, such as the bills of a line by method, has no bar.
  const totals = [...summed(mine, (line) => nameOn(line, other))].filter(([, sum]) => sum.received).sort(([, a], [, b]) => b.received - a.received)
  if (!totals.length) return null
  const named = totals.slice(0, SERIES_MAX).map(([name]) => name)
  const partOf = (line: FinanceLine) => (named.includes(nameOn(line, other)) ? nameOn(line, other) : words.rest)
  const parts = totals.length > SERIES_MAX ? [...named, words.rest] : named
  const cells = summed(mine, (line) => JSON.stringify([line.group[time]?.code ?? '', partOf(line)]))
  return {
    isTime: true, categories: times,
    series: parts.map((name) => ({ name, amount: 'received', values: times.map((each) => cells.get(JSON.stringify([each, name]))?.received ?? 0), stacked: true })),
  }
}

type Sums = Pick<Figures, Amount>

function summed(lines: readonly FinanceLine[], key: (line: FinanceLine) => string): Map<string, Sums> {
  const found = new Map<string, Sums>()
  for (const line of lines) {
    const name = key(line)
    const before = found.get(name)
    found.set(name, Object.fromEntries(AMOUNTS.map((each) => [each, (before?.[each] ?? 0) + line.sums[each]])) as Sums)
  }
  return found
}

const worth = (sums: Sums): number => Math.max(sums.received, sums.receivable)

/** How lines are ordered: by an amount, a count or a dimension, falling or rising; null as the server has them. */
export interface Order {
  by: Amount | Dimension
  falls: boolean
}

/** Return lines in an order; those that are alike stay as they were. */
export function ordered(lines: readonly FinanceLine[], order: Order | null): FinanceLine[] {
  if (!order) return [...lines]
  const { by } = order
  const sign = order.falls ? -1 : 1
  const isAmount = (word: string): word is Amount => (AMOUNTS as readonly string[]).includes(word)
  return [...lines].sort((a, b) => {
    if (isAmount(by)) return sign * (a.sums[by] - b.sums[by])
    return sign * (a.group[by]?.name ?? '').localeCompare(b.group[by]?.name ?? '', undefined, { numeric: true })
  })
}

/** Return the days of a name in a group of days or months. */
export function spanOfTime(code: string): { from: string; to: string } | null {
  if (isDay(code)) return { from: code, to: code }
  if (!isDay(`${code}-01`)) return null
  const next = addDays(`${code}-28`, 4)
  return { from: `${code}-01`, to: addDays(`${next.slice(0, 7)}-01`, -1) }
}
