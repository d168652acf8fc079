// Whether a permit holds now, by the browser's clock.
interface Dated {
  valid_from: string
  valid_until: string | null
}

/** Tell whether it holds, will hold, or has held; its time is half-open. */
export function standing(permit: Dated, now = Date.now()): 'holds' | 'later' | 'over' {
  if (Date.parse(permit.valid_from) > now) return 'later'
  return permit.valid_until !== null && Date.parse(permit.valid_until) <= now ? 'over' : 'holds'
}
