// How lots and devices are told: states by a tone with its shape, and in words.
import type { Schemas } from '@api'
import { lengthText } from '@shared/formats'
import { codesKnown } from '@shared/texts'
import type { Tone } from '@/parts/StateTag.vue'
import { language, t } from '@/texts'

export const LOT_TONES: Record<Schemas['LotState'], Tone> = { open: 'good', full: 'warn', closed: 'bad', closed_to_all: 'bad' }
export const LOT_STATES = Object.keys(LOT_TONES) as Schemas['LotState'][]
export const DEVICE_TONES: Record<Schemas['DeviceState'], Tone> = { online: 'good', offline: 'bad', never_seen: 'quiet' }
export const DEVICE_STATES = Object.keys(DEVICE_TONES) as Schemas['DeviceState'][]
export const OUTCOME_TONES: Record<Schemas['Outcome'], Tone> = { done: 'good', rejected: 'bad', unreachable: 'bad', uncertain: 'warn' }
export const OUTCOMES = Object.keys(OUTCOME_TONES) as Schemas['Outcome'][]

const KIND_TEXTS = 'console.places.device_kind.'

/** What speaks for sensors of spaces and stands at no lane. */
export const COLLECTOR_KINDS: ReadonlySet<string> = new Set<Schemas['DeviceKind']>(['geomagnetic_tcp', 'chirpstack_http', 'space_camera_http'])

/** Return the kinds of devices at lanes: those with a text, so that a new make needs no line here. */
export function deviceKinds(): Schemas['DeviceKind'][] {
  return codesKnown().filter((code) => code.startsWith(KIND_TEXTS)).map((code) => code.slice(KIND_TEXTS.length) as Schemas['DeviceKind']).filter((kind) => !COLLECTOR_KINDS.has(kind))
}

/** Say how a device's clock goes: `12 ms fast`, `3 min slow`; nothing for one that sends no times. */
export function clockWords(offsetUs: number | null): string {
  if (offsetUs === null) return ''
  const ms = Math.round(Math.abs(offsetUs) / 1_000)
  if (ms === 0) return t('console.places.clock_right')
  const length = ms < 1_000 ? `${ms} ms` : ms < 10_000 ? `${Math.floor(ms / 1_000)}.${Math.floor((ms % 1_000) / 100)} s` : lengthText(ms / 1_000, language.value)
  return t(offsetUs > 0 ? 'console.places.clock_fast' : 'console.places.clock_slow', { length })
}

/** Tell whether a clock is so wrong that its times are no longer taken. */
export function isClockOff(offsetUs: number | null, limitS: number): boolean {
  return offsetUs !== null && Math.abs(offsetUs) > limitS * 1_000_000
}
