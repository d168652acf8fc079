import { describe, expect, it } from 'vitest'
import { linesOf } from '@/pages/system/audit/values'
import { apart, backupTone, walkTone } from '@/pages/system/health/standing'
import { askedAt, chainOf, lockAbove, type Setting, type Step } from '@/pages/system/settings/chain'
import { treeOf, walk, type Level } from '@/tree'

const LEVELS: Level[] = ['platform', 'partner', 'company', 'property', 'lot']
const setting = (change: Partial<Setting>): Setting => ({
  key: 'k', text: 'k', value: 90, default: 60, levels: LEVELS, source: null, locked_by: null, own: null, own_locked: false, version: 0, overruled: false, least: 1, most: 100, words: [], ...change,
})

describe('inheritance of settings', () => {
  const here = setting({ source: 'partner', locked_by: 'partner', own: 30, overruled: true })
  const steps: Step[] = [
    { level: 'platform', name: '', settings: null },
    { level: 'partner', name: 'North', settings: [setting({ source: 'partner', locked_by: 'partner', own: 90, own_locked: true })] },
    { level: 'company', name: 'Demo', settings: [setting({ source: 'partner', locked_by: 'partner' })] },
    { level: 'lot', name: 'Mall', settings: [here] },
  ]

  it('says what each level said, which one holds and which is overruled', () => {
    expect(chainOf(here, steps).map((link) => [link.level, link.own, link.isLocked, link.holds, link.isOverruled])).toEqual([
      ['platform', null, false, false, false], ['partner', 90, true, true, false], ['company', null, false, false, false], ['lot', 30, false, false, true],
    ])
    expect(chainOf(here, steps)[0]!.isSeen).toBe(false)
  })

  it('leaves levels out that cannot set it', () => {
    expect(chainOf(setting({ levels: ['platform'] }), steps).map((link) => link.level)).toEqual(['platform'])
  })

  it('shows the lock of a level that may not be looked at', () => {
    expect(chainOf(setting({ source: 'platform', locked_by: 'platform' }), steps)[0]).toMatchObject({ isLocked: true, holds: true })
  })

  it('tells of a level that somebody does not see at all, when the value comes from there', () => {
    expect(chainOf(here, steps.slice(2)).map((link) => [link.level, link.isSeen, link.holds])).toEqual([['partner', false, true], ['company', true, false], ['lot', true, false]])
  })

  it('knows who forbids another value', () => {
    expect(lockAbove(here, 'lot')).toBe('partner')
    expect(lockAbove(here, 'partner')).toBeNull()
    expect(lockAbove(setting({}), 'lot')).toBeNull()
  })

  it('names a property with its company, a lot by its id', () => {
    const named = (id: string) => ({ id, code: `${id}-code`, name_zh: id, name_en: id, version: 1 })
    const roots = treeOf({ partners: [], companies: [{ ...named('c'), state: 'active', partner: null }], properties: [{ ...named('p'), state: 'active', company: 'c' }], lots: [{ ...named('l'), company: 'c', property: null }] })
    const asked = Object.fromEntries([...walk(roots)].map((place) => [place.id, askedAt(place)]))
    expect(asked['p']).toEqual({ level: 'property', node: 'p-code', company: 'c-code' })
    expect(asked['l']).toEqual({ level: 'lot', node: 'l' })
    expect(askedAt(null)).toEqual({ level: 'platform' })
  })
})

describe('what was changed', () => {
  it('stands side by side', () => {
    expect(linesOf({ a: 1, b: { c: 2 } }, { a: 1, b: { c: 3 }, d: null })).toEqual([
      { name: 'a', before: '1', after: '1', isChanged: false }, { name: 'b', before: '{"c":2}', after: '{"c":3}', isChanged: true }, { name: 'd', before: null, after: null, isChanged: false },
    ])
    expect(linesOf(null, null)).toEqual([])
  })
})

describe('health', () => {
  const now = Date.parse('2026-03-02T12:00:00Z')

  it('forgives the time that an answer took', () => {
    expect(apart('2026-03-02T12:00:01Z', now, now + 2_000)).toBe(0)
    expect(apart('2026-03-02T12:01:00Z', now, now + 2_000)).toBe(58_000)
  })

  it.each([[null, 'bad'], ['2026-03-01T11:00:00Z', 'good'], ['2026-03-01T09:59:00Z', 'warn']])('a newest backup of %s is %s', (newest, tone) => expect(backupTone(newest, now)).toBe(tone))

  it('sees walks that broke, never came to an end, or are late', () => {
    const walk = (name: string, finished_at: string | null, error: string | null = null) => walkTone({ name, finished_at, error }, now)
    expect([walk('young', '2026-03-02T11:40:00Z'), walk('young', '2026-03-02T11:20:00Z'), walk('nightly', '2026-03-02T11:20:00Z'), walk('nightly', null), walk('nightly', null, 'x')]).toEqual(['good', 'warn', 'good', 'info', 'bad'])
  })
})
