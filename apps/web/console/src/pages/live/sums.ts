// Sums over lots, exactly: whole minor units, each currency by itself.
import type { Money } from '@shared/formats'
import type { LotNow } from './store'

type DayMoney = NonNullable<LotNow['money']>

export interface Sums {
  capacity: number
  occupied: number
  free: number
  /** Null where no lot's part may be read. */
  exceptions: number | null
  alarms: number | null
  devices: { online: number; offline: number; never: number } | null
  received: Money[] | null
  billed: Money[] | null
}

/** Return what came in today by all methods. */
export function receivedOf(day: DayMoney): Money {
  const minor = Object.values(day.received).reduce((sum, each) => sum + each.minor, 0)
  return { minor, currency: day.billed.currency }
}

function add(sums: Money[] | null, money: Money): Money[] {
  const found = (sums ?? []).find((each) => each.currency === money.currency)
  if (!found) return [...(sums ?? []), { ...money }]
  found.minor += money.minor
  return sums!
}

/** Add up lots. */
export function sumsOf(lots: Iterable<LotNow>): Sums {
  const sums: Sums = { capacity: 0, occupied: 0, free: 0, exceptions: null, alarms: null, devices: null, received: null, billed: null }
  for (const lot of lots) {
    sums.capacity += lot.capacity
    sums.occupied += lot.occupied
    sums.free += Math.max(0, lot.free)
    if (lot.exceptions) sums.exceptions = (sums.exceptions ?? 0) + lot.exceptions.open
    if (lot.alarms !== null) sums.alarms = (sums.alarms ?? 0) + lot.alarms
    if (lot.devices) {
      const { online, offline, never } = sums.devices ?? { online: 0, offline: 0, never: 0 }
      sums.devices = { online: online + lot.devices.online, offline: offline + lot.devices.offline, never: never + lot.devices.never_seen }
    }
    if (lot.money) {
      sums.received = add(sums.received, receivedOf(lot.money))
      for (const each of lot.money.foreign) sums.received = add(sums.received, each)
      sums.billed = add(sums.billed, lot.money.billed)
    }
  }
  return sums
}
