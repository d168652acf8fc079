// Days as the calendar of a zone has them, `2026-03-02`, and the instants at which they begin.
import { dayText, instantText } from '@shared/formats'

const DAY_MS = 86_400_000

/** Return the day that an instant in ms lies on in a zone. */
export function dayOf(ms: number, zone: string): string {
  return dayText(new Date(ms).toISOString(), zone)
}

/** Return the day so many days later; fewer than none for earlier. */
export function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10)
}

/** Return how many days there are from one to another, both included. */
export function daysBetween(from: string, to: string): number {
  return Math.round((Date.parse(`${to}T00:00:00Z`) - Date.parse(`${from}T00:00:00Z`)) / DAY_MS) + 1
}

/** Return the first day of the month of a day. */
export function monthStart(day: string): string {
  return `${day.slice(0, 7)}-01`
}

/** Return the instant at which a day begins in a zone. Where clocks skip midnight it is the first there is of the day. */
export function startOf(day: string, zone: string): string {
  const wanted = Date.parse(`${day}T00:00:00Z`)
  const shown = (ms: number): number => Date.parse(`${instantText(new Date(ms).toISOString(), zone).replace(' ', 'T')}Z`)
  let at = wanted - (shown(wanted) - wanted)
  at -= shown(at) - wanted
  const missing = wanted - shown(at) // midnight was skipped, and this is before it
  return new Date(missing > 0 ? at + missing : at).toISOString()
}

/** A span of days, both included. */
export interface Span {
  from: string
  to: string
}
export const PRESETS = ['today', 'yesterday', 'this_month', 'last_month'] as const
export type Preset = (typeof PRESETS)[number]

/** Return the days of a preset, seen from today. */
export function spanOf(preset: Preset, today: string): Span {
  switch (preset) {
    case 'today': return { from: today, to: today }
    case 'yesterday': return { from: addDays(today, -1), to: addDays(today, -1) }
    case 'this_month': return { from: monthStart(today), to: today }
    case 'last_month': return { from: monthStart(addDays(monthStart(today), -1)), to: addDays(monthStart(today), -1) }
  }
}

/** Return which preset a span is, null for one of somebody's own. */
export function presetOf(span: Partial<Span>, today: string): Preset | null {
  return PRESETS.find((each) => {
    const days = spanOf(each, today)
    return days.from === span.from && days.to === span.to
  }) ?? null
}

/** Tell whether a text is a day. */
export function isDay(text: string | undefined): text is string {
  return text !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00Z`))
}
