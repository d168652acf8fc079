import { describe, expect, test } from 'vitest'
import { AMOUNTS, dimensionsOf, drawn, ordered, spanOfTime, type Amount, type FinanceLine } from '@/pages/money/finance'

const words = { amount: (amount: Amount) => amount, rest: 'rest', nothing: 'none' }
function line(group: Record<string, string | null>, sums: Partial<Record<Amount, number>>, currency = 'CNY'): FinanceLine {
  return {
    group: Object.fromEntries(Object.entries(group).map(([dimension, code]) => [dimension, code === null ? null : { code, name: code }])),
    sums: { currency, ...(Object.fromEntries(AMOUNTS.map((each) => [each, sums[each] ?? 0])) as Record<Amount, number>), counts: {} },
  }
}

describe('dimensions of an address', () => {
  test.each([
    ['day,lot', ['day', 'lot']], ['lot,lot,colour,day', ['lot', 'day']], ['', []], [undefined, []],
  ])('%s', (text, found) => expect(dimensionsOf(text)).toEqual(found))
})

describe('what a chart shows', () => {
  test('nothing when there is nothing to compare', () => {
    expect(drawn([line({}, { received: 5 })], [], 'CNY', words)).toBeNull()
    expect(drawn([line({ day: '2026-03-02' }, { received: 5 }, 'USD')], ['day'], 'CNY', words)).toBeNull()
  })

  test('days from left to right, each sum added up exactly', () => {
    const lines = [line({ day: '2026-03-03' }, { received: 10, receivable: 30 }), line({ day: '2026-03-02' }, { received: 7 }), line({ day: '2026-03-02' }, { received: 1 }, 'USD')]
    const found = drawn(lines, ['day'], 'CNY', words)!
    expect(found.categories).toEqual(['2026-03-02', '2026-03-03'])
    expect(found.series.map((each) => [each.amount, each.values])).toEqual([['receivable', [0, 30]], ['received', [7, 10]], ['refunded', [0, 0]], ['kept', [0, 0]]])
  })

  test('days by another dimension are stacked, what is small together', () => {
    const lines = Array.from({ length: 9 }, (_, at) => line({ day: '2026-03-02', lot: `lot-${at}` }, { received: 100 - at }))
    const found = drawn([...lines, line({ day: '2026-03-03', lot: null }, { received: 1 })], ['day', 'lot'], 'CNY', words)!
    expect(found.series.map((each) => each.name)).toEqual(['lot-0', 'lot-1', 'lot-2', 'lot-3', 'lot-4', 'lot-5', 'lot-6', 'rest'])
    expect(found.series.every((each) => each.stacked)).toBe(true)
    expect(found.series.at(-1)!.values).toEqual([93 + 92, 1])
  })

  test('names from the biggest on, lines of the same name together', () => {
    const lines = [line({ method: 'cash', lot: 'a' }, { received: 3 }), line({ method: 'alipay', lot: 'a' }, { received: 9 }), line({ method: 'cash', lot: 'b' }, { received: 8 }), line({ method: null, lot: 'b' }, { receivable: 50 })]
    const found = drawn(lines, ['method', 'lot'], 'CNY', words)!
    expect(found.isTime).toBe(false)
    expect(found.categories).toEqual(['none', 'cash', 'alipay'])
    expect(found.series[0]!.values).toEqual([0, 11, 9])
  })
})

test('lines are ordered by an amount or a name, and as the server has them without', () => {
  const lines = [line({ lot: 'b10' }, { kept: 5 }), line({ lot: 'b9' }, { kept: -2 }), line({ lot: 'a' }, { kept: 5 })]
  const codes = (order: Parameters<typeof ordered>[1]) => ordered(lines, order).map((each) => each.group['lot']!.code)
  expect(codes({ by: 'kept', falls: true })).toEqual(['b10', 'a', 'b9'])
  expect(codes({ by: 'lot', falls: false })).toEqual(['a', 'b9', 'b10'])
  expect(codes(null)).toEqual(['b10', 'b9', 'a'])
})

test('the days of a day or a month', () => {
  expect(spanOfTime('2026-03-02')).toEqual({ from: '2026-03-02', to: '2026-03-02' })
  expect(spanOfTime('2028-02')).toEqual({ from: '2028-02-01', to: '2028-02-29' })
  expect(spanOfTime('2026-12')).toEqual({ from: '2026-12-01', to: '2026-12-31' })
  expect(spanOfTime('mall')).toBeNull()
})
