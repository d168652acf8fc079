// Where lots are, for the map. A lot without a position is in the list only.
import type { Schemas } from '@api'
import type { LotNow } from './store'

export interface Place {
  lot: LotNow
  latitude: number
  longitude: number
  waiting: number
  exceptions: number
}

const UNITS_PER_DEGREE = 10_000_000

/** Return the position that a lot was given, in degrees; null without one. */
export function positionOf(lot: { position?: Schemas['PositionView'] | null } | null): { latitude: number; longitude: number } | null {
  const position = lot?.position
  return position ? { latitude: position.latitude_e7 / UNITS_PER_DEGREE, longitude: position.longitude_e7 / UNITS_PER_DEGREE } : null
}
