// Devices as these pages speak of them.
import type { Schemas } from '@api'

export type Device = Schemas['ListedDeviceView']
/** A device by its codes, as secrets are given to it. */
export interface Named {
  lot: string
  code: string
  /** It has one already, which may go on holding for a while. */
  hasSecret: boolean
}
const SKEW_S = 120

/** Return how far the clocks of a lot's devices may be off; what holds by itself for a lot that is not known. */
export function skewOf(lot: Schemas['LotDetailView'] | null): number {
  return lot?.device_skew_s ?? SKEW_S
}

/** Return the code that a new device of a lane most likely gets: `cam-in-1`, `bar-in-1`; the next one when it is taken. */
export function codeFor(kind: Schemas['DeviceKind'], lane: string, taken: readonly string[]): string {
  const stem = `${kind === 'barrier_tcp' ? 'bar' : 'cam'}-${lane}`.slice(0, 36)
  for (let number = 1; ; number++) {
    const code = number === 1 ? stem : `${stem}-${number}`
    if (!taken.includes(code)) return code
  }
}
