import { describe, expect, test } from 'vitest'
import { addDays, dayOf, daysBetween, isDay, monthStart, presetOf, spanOf, startOf } from '@/days'

describe('days', () => {
  test('a day is that of the zone', () => {
    const late = Date.parse('2026-03-02T17:00:00Z')
    expect(dayOf(late, 'Asia/Shanghai')).toBe('2026-03-03')
    expect(dayOf(late, 'America/New_York')).toBe('2026-03-02')
  })

  test('days are added over months and leap years', () => {
    expect(addDays('2028-02-28', 1)).toBe('2028-02-29')
    expect(addDays('2026-01-01', -1)).toBe('2025-12-31')
    expect(daysBetween('2026-02-27', '2026-03-02')).toBe(4)
    expect(monthStart('2026-03-31')).toBe('2026-03-01')
  })

  test.each([
    ['2026-03-02', 'Asia/Shanghai', '2026-03-01T16:00:00.000Z'],
    ['2026-07-01', 'Europe/Berlin', '2026-06-30T22:00:00.000Z'],
    ['2026-03-29', 'Europe/Berlin', '2026-03-28T23:00:00.000Z'], // clocks go forward at 2
    ['2026-03-30', 'Europe/Berlin', '2026-03-29T22:00:00.000Z'],
    ['2026-10-25', 'Europe/Berlin', '2026-10-24T22:00:00.000Z'], // and back at 3
    ['2026-04-24', 'Africa/Cairo', '2026-04-23T22:00:00.000Z'], // midnight is skipped: the day begins at 1
    ['2026-01-01', 'America/New_York', '2026-01-01T05:00:00.000Z'],
  ])('%s begins in %s at %s', (day, zone, instant) => {
    expect(startOf(day, zone)).toBe(instant)
  })

  test('presets are whole days and months', () => {
    expect(spanOf('yesterday', '2026-03-01')).toEqual({ from: '2026-02-28', to: '2026-02-28' })
    expect(spanOf('this_month', '2026-03-05')).toEqual({ from: '2026-03-01', to: '2026-03-05' })
    expect(spanOf('last_month', '2026-01-15')).toEqual({ from: '2025-12-01', to: '2025-12-31' })
    expect(presetOf({ from: '2026-03-05', to: '2026-03-05' }, '2026-03-05')).toBe('today')
    expect(presetOf({ from: '2026-03-04', to: '2026-03-05' }, '2026-03-05')).toBeNull()
  })

  test('what is no day is none', () => {
    expect(['2026-03-02', '2026-13-02', 'today', undefined].map(isDay)).toEqual([true, false, false, false])
  })
})
