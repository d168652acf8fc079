// The days that a list is narrowed to, in the zone of its lot; they stand in the address as `from` and `to`.
import { computed, type ComputedRef } from 'vue'
import { useClock } from '@/clock'
import { addDays, dayOf, isDay, startOf, type Span } from '@/days'
import type { Filters } from '@/list'

/** Return the instants between which a list lies; nothing where no day is chosen. */
export function boundsOf(filters: Filters, zone: string): { since?: string; until?: string } {
  const { from, to } = filters
  return {
    ...(isDay(from) ? { since: startOf(from, zone) } : {}),
    ...(isDay(to) ? { until: startOf(addDays(to, 1), zone) } : {}),
  }
}

/** Return the days that are chosen, and today as the lot has it. */
export function useSpan(filters: () => Filters, zone: () => string): { span: ComputedRef<Partial<Span>>; today: ComputedRef<string> } {
  const clock = useClock()
  void clock.know()
  return {
    span: computed(() => {
      const { from, to } = filters()
      return { ...(isDay(from) ? { from } : {}), ...(isDay(to) ? { to } : {}) }
    }),
    today: computed(() => dayOf(clock.isKnown ? clock.now() : Date.now(), zone())),
  }
}
