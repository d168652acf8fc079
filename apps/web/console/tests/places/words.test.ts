import { useTexts } from '@shared/texts'
import en from '@shared/texts/console.en.json'
import { beforeAll, describe, expect, it } from 'vitest'
import { codeFor } from '@/pages/places/devices/device'
import { beginning } from '@/pages/places/file/beginning'
import { changesTold, retiredIn } from '@/pages/places/file/words'
import { signsOf } from '@/pages/places/lots/signs'
import { clockWords, deviceKinds, isClockOff } from '@/pages/places/words'

beforeAll(() => useTexts('en', en))

describe('the changes of a lot file', () => {
  const check = {
    created: false, fields: ['name_zh', 'name_en', 'capacity'], counts: { 'lane.changed': 1, 'space.added': 300, 'space.retired': 1, 'device.retired': 1 },
    changes: [
      { action: 'changed' as const, kind: 'lane' as const, code: 'in-1', fields: ['booth', 'to_area'] },
      { action: 'retired' as const, kind: 'device' as const, code: 'bar-1', fields: [] },
    ],
  }

  it('are told in words, what is retired first, spaces by their number', () => {
    expect(changesTold(check).map(({ deed, text }) => `${deed}: ${text}`)).toEqual([
      'Retired: Device bar-1', 'Retired: 1 space', 'Changed: The lot: name, capacity', 'Changed: Lane in-1: booth, where to', 'Added: 300 spaces',
    ])
    expect(retiredIn(check)).toBe(2)
  })

  it('are those that the server counts and does not name, too', () => {
    expect(changesTold({ created: true, fields: [], counts: { 'lane.added': 600 }, changes: [] }).map((each) => each.text)).toEqual(['The lot', '600 lanes'])
    expect(changesTold({ created: false, fields: [], counts: {}, changes: [] })).toEqual([])
  })
})

describe('a new lot', () => {
  it('begins as a file that holds whatever name it has', () => {
    const text = beginning({ code: 'yard', company: 'demo', zh: '', en: "Joe's: {yard}", capacity: '80', tariff: 'mall', zone: 'Asia/Shanghai', currency: 'CNY' })
    expect(text).toContain("name: {zh: 'Joe''s: {yard}', en: 'Joe''s: {yard}'}")
    expect(text).toContain('code: main, name: {zh: 停车区, en: Parking}, capacity: 80')
  })
})

describe('devices', () => {
  it('say how their clock goes, and when it is wrong', () => {
    expect([null, 0, 12_000, -900_000, 3_400_000, -200_000_000].map(clockWords)).toEqual(['', 'right', '12 ms fast', '900 ms slow', '3.4 s fast', '3 min 20 s slow'])
    expect([null, 120_000_000, -120_000_001].map((each) => isClockOff(each, 120))).toEqual([false, false, true])
  })

  it('are of the kinds that have a text', () => {
    expect(deviceKinds()).toEqual(expect.arrayContaining(['vzenith_http', 'barrier_tcp', 'hikvision', 'generic_http']))
  })

  it('get a code that nobody has', () => {
    expect(codeFor('barrier_tcp', 'in-1', [])).toBe('bar-in-1')
    expect(codeFor('vzenith_http', 'in-1', ['cam-in-1', 'cam-in-1-2'])).toBe('cam-in-1-3')
  })
})

describe('signs', () => {
  it('stand at entries and exits, and one for the whole lot', () => {
    const name = { zh: '门', en: 'Gate' }
    const lane = (code: string, kind: 'entry' | 'exit' | 'inner') => ({ id: code, code, name, kind, from_area: null, to_area: null, booth: null, scan_code: `${code}-code`, convoy_until: null, waiting: null })
    const lot = {
      id: '1', code: 'mall', name, zone: 'Asia/Shanghai', currency: 'CNY', tariff: 'mall', state: 'open' as const, scan_code: 'whole', capacity: 1, occupied: 0, free: 1,
      position: null, address: null, areas: [], booths: [], devices: [], device_skew_s: 120, lanes: [lane('in', 'entry'), lane('between', 'inner'), lane('out', 'exit')],
    }
    const signs = signsOf(lot, 'https://park.example')
    expect([...signs.keys()]).toEqual(['', 'in', 'out'])
    expect(signs.get('out')).toMatchObject({ what: 'exit', address: 'https://park.example/c/out-code' })
  })
})
