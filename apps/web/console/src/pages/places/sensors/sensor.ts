// Space sensors and their collectors as these pages speak of them. Pure.
import type { Schemas } from '@api'
import type { Tone } from '@/parts/StateTag.vue'
import { said, t } from '@/texts'

export type Sensor = Schemas['SensorView']
export type Collector = Schemas['CollectorView']
export const SPACE_TONES: Record<Schemas['SpaceState'], Tone> = { free: 'good', occupied: 'info', unknown: 'quiet' }
export const SPACE_STATES = Object.keys(SPACE_TONES) as Schemas['SpaceState'][]
export const TROUBLES = ['any', 'flapping', 'contradicts', 'fault', 'battery', 'unheard'] as const satisfies readonly Schemas['SensorTrouble'][]
/** What pushes over HTTP proves itself by a secret in its address; a line proves itself by its number and network. */
const PUSHES: ReadonlySet<string> = new Set<Schemas['DeviceKind']>(['chirpstack_http', 'space_camera_http'])

/** Tell whether a collector needs a secret. */
export function pushes(collector: Collector): boolean {
  return PUSHES.has(collector.kind)
}

/** Say a voltage: `3.56 V`; nothing for a sensor that does not tell. */
export function voltsText(millivolts: number | null): string {
  if (millivolts === null) return ''
  const hundredths = Math.round(millivolts / 10)
  return `${Math.floor(hundredths / 100)}.${String(hundredths % 100).padStart(2, '0')} V`
}

/** What is wrong with a sensor, in words, the worst first; empty when nothing is. */
export function troublesOf(sensor: Sensor): { key: string; tone: Tone; text: string }[] {
  const flags = sensor.flags.map((flag) => ({ key: flag, tone: 'warn' as Tone, text: said('console.places.sensor_flag', flag) }))
  const fault = sensor.fault ? [{ key: 'fault', tone: 'bad' as Tone, text: t('console.places.sensor_fault', { fault: sensor.fault }) }] : []
  const battery = sensor.battery_low ? [{ key: 'battery', tone: 'warn' as Tone, text: t('console.places.battery_low') }] : []
  return [...fault, ...flags, ...battery]
}

/** The best signal among the gateways that heard a report, in dBm; null where the report tells of none. */
export function signalOf(raw: Readonly<Record<string, unknown>>): number | null {
  const heard = Array.isArray(raw['heard']) ? (raw['heard'] as { rssi?: unknown }[]) : []
  const levels = heard.map((each) => each.rssi).filter((level): level is number => typeof level === 'number')
  return levels.length ? Math.max(...levels) : null
}

/** Say a report as it came, on one line: `Q 940 · V 361`. */
export function rawText(raw: Readonly<Record<string, unknown>>): string {
  return Object.entries(raw).map(([name, value]) => `${name} ${typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value)}`).join(' · ')
}
