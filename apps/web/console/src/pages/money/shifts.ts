// Counting cash: pieces of each denomination add up to a sum. Whole minor units.
import type { Money } from '@shared/formats'
import type { Schemas } from '@api'

const NOTES: Readonly<Record<string, readonly number[]>> = {
  CNY: [100_00, 50_00, 20_00, 10_00, 5_00, 1_00, 50, 10],
  HKD: [1000_00, 500_00, 100_00, 50_00, 20_00, 10_00, 5_00, 2_00, 1_00, 50, 20, 10],
  USD: [100_00, 50_00, 20_00, 10_00, 5_00, 1_00, 25, 10, 5, 1],
  EUR: [200_00, 100_00, 50_00, 20_00, 10_00, 5_00, 2_00, 1_00, 50, 20, 10, 5, 2, 1],
  JPY: [10_000, 5_000, 1_000, 500, 100, 50, 10, 5, 1],
}

/** Return the notes and coins of a currency, the biggest first; none where only a sum can be counted. */
export function denominationsOf(currency: string): readonly number[] {
  return NOTES[currency] ?? []
}

/** How many pieces of each denomination somebody counted, by its worth in minor units. */
export type Pieces = Readonly<Record<number, number>>

/** Return what pieces add up to. */
export function worthOf(pieces: Pieces): number {
  return Object.entries(pieces).reduce((sum, [worth, many]) => sum + Number(worth) * (many || 0), 0)
}

/** Return pieces as they are sent: those that are there. */
export function piecesOf(pieces: Pieces): Schemas['PieceForm'][] {
  return Object.entries(pieces).filter(([, many]) => many > 0).map(([worth, many]) => ({ minor: Number(worth), pieces: many })).sort((a, b) => b.minor - a.minor)
}

/** A count as it is sent: a sum, pieces, or nothing for a shift that saw no cash. */
export interface Count {
  counted?: Money
  pieces?: Schemas['PieceForm'][]
}

/** Return how a variance reads: short, over, or none. */
export function varianceKind(variance: Money | null): 'unknown' | 'none' | 'short' | 'over' {
  if (!variance) return 'unknown'
  return variance.minor === 0 ? 'none' : variance.minor < 0 ? 'short' : 'over'
}
