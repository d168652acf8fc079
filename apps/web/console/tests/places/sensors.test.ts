import { useTexts } from '@shared/texts'
import { beforeEach, describe, expect, it } from 'vitest'
import { pushes, rawText, signalOf, troublesOf, voltsText, type Collector, type Sensor } from '@/pages/places/sensors/sensor'

const sensor = (change: Partial<Sensor>): Sensor => ({
  id: '1', code: 'm01', collector: 'mag', kind: 'geomagnetic_tcp', name: '1', model: null, space: 'L01', area: 'deck', state: 'free', since: null,
  confidence: 90, battery_mv: 3_561, battery_low: false, fault: null, over_line: false, flags: [], last_heard: null, ...change,
})

describe('a sensor', () => {
  beforeEach(() => useTexts('en', {}))

  it.each([[3_561, '3.56 V'], [3_605, '3.61 V'], [12_030, '12.03 V'], [95, '0.10 V'], [null, '']])('of %s mV has %s', (mv, text) => expect(voltsText(mv)).toBe(text))

  it('tells what is wrong with it, the worst first', () => {
    const all = troublesOf(sensor({ flags: ['flapping', 'contradicts'], fault: '7', battery_low: true }))
    expect(all.map((each) => [each.key, each.tone])).toEqual([['fault', 'bad'], ['flapping', 'warn'], ['contradicts', 'warn'], ['battery', 'warn']])
    expect(troublesOf(sensor({}))).toEqual([])
  })
  it('is heard as well as its best gateway hears it', () => {
    expect(signalOf({ heard: [{ gateway: 'a', rssi: -101 }, { gateway: 'b', rssi: -87 }, { gateway: 'c' }] })).toBe(-87)
    expect(signalOf({ heard: [] })).toBeNull()
    expect(signalOf({ Q: 940 })).toBeNull()
  })
  it('is shown as it spoke', () => expect(rawText({ Q: 940, Err: 0, heard: [{ rssi: -87 }], x: null })).toBe('Q 940 · Err 0 · heard [{"rssi":-87}] · x null'))
  it('has a collector with a secret only where that pushes', () => {
    const of = (kind: Collector['kind']) => pushes({ kind } as Collector)
    expect([of('geomagnetic_tcp'), of('chirpstack_http'), of('space_camera_http')]).toEqual([false, true, true])
  })
})
