// The signs of a lot: what is printed and put up for drivers to scan. Pure.
import type { Schemas } from '@api'

type Name = Schemas['LotDetailView']['name']
export interface Sign {
  lot: Name
  /** The name of the lane; null on the sign of the whole lot. */
  lane: Name | null
  what: 'entry' | 'exit' | 'lot'
  code: string
  address: string
}

/** Return the signs by lane; that of the lot itself under no name. Nobody scans anything at an inner lane. */
export function signsOf(lot: Schemas['LotDetailView'], origin: string): Map<string, Sign> {
  const made = (lane: Name | null, what: Sign['what'], code: string): Sign => ({ lot: lot.name, lane, what, code, address: `${origin}/c/${encodeURIComponent(code)}` })
  const signs = new Map([['', made(null, 'lot', lot.scan_code)]])
  for (const lane of lot.lanes) if (lane.kind !== 'inner') signs.set(lane.code, made(lane.name, lane.kind, lane.scan_code))
  return signs
}
