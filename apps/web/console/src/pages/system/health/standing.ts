// What the figures of a system mean: whether anything is the matter.
import type { Tone } from '@/parts/StateTag.vue'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
export const APART_MS = 5_000
export const BACKUP_OLD_MS = 26 * 3_600_000 // a daily one that is a little late is none
export const WALK_OLD_MS: Readonly<Record<string, number>> = { nightly: 26 * 3_600_000, young: 30 * MINUTE_MS }

/** How far the clocks of server and browser are apart, in ms; half of the time that the answer took is forgiven. */
export function apart(machineNow: string, askedAt: number, answeredAt: number): number {
  const middle = askedAt + (answeredAt - askedAt) / 2
  return Math.max(0, Math.abs(Date.parse(machineNow) - middle) - (answeredAt - askedAt) / 2)
}

/** Judge the newest backup: none, old or good. */
export function backupTone(newest: string | null, now: number): Tone {
  if (newest === null) return 'bad'
  return now - Date.parse(newest) > BACKUP_OLD_MS ? 'warn' : 'good'
}

/** Judge a walk through the books: broken, never finished, overdue or good. */
export function walkTone(walk: { name: string; finished_at: string | null; error: string | null }, now: number): Tone {
  if (walk.error) return 'bad'
  if (!walk.finished_at) return 'info'
  return now - Date.parse(walk.finished_at) > (WALK_OLD_MS[walk.name] ?? DAY_MS) ? 'warn' : 'good'
}
