import { Problem } from '@api'
import { useTexts } from '@shared/texts'
import { describe, expect, it } from 'vitest'
import { givenOf, mistakesOf } from '@/pages/people/core'
import { deviceOf } from '@/pages/people/device'
import { standing } from '@/pages/people/permits/standing'
import { changesSomething, grouped } from '@/pages/people/roles/grouping'
import { madePassword, strengthOf } from '@/pages/people/strength'

describe('permissions', () => {
  const all = ['lot.read', 'lane.open', 'refund.write', 'sign.use', 'audit.export'].map((code) => ({ code, text: `words of ${code}` }))

  it('stand in groups, in their order, and each exactly once', () => {
    expect(grouped(all).map((each) => [each.group, each.permissions.map((one) => one.code)])).toEqual([
      ['lots', ['lot.read', 'lane.open']], ['money', ['refund.write']], ['system', ['audit.export']], ['other', ['sign.use']],
    ])
  })

  it('are found by word and by code', () => {
    expect(grouped(all, ' REFUND ').flatMap((each) => each.permissions)).toHaveLength(1)
    expect(grouped(all, 'nothing like it')).toEqual([])
  })

  it('change something unless they look', () => {
    expect(all.filter((each) => changesSomething(each.code)).map((each) => each.code)).toEqual(['lane.open', 'refund.write', 'sign.use'])
  })
})

describe('passwords', () => {
  it.each([
    ['Short1!', 'short'], ['guard-1-is-here', 'login'], ['1234567890', 'weak'], ['aaaaaaaaaaaaaa', 'weak'], ['parkingspot', 'weak'], ['tram seven mo', 'fair'], ['copper-Lantern 42 drifts', 'good'],
  ])('%s is %s', (password, strength) => expect(strengthOf(password, 'guard-1')).toBe(strength))

  it('that are made are good, and of the numbers drawn', () => {
    expect(madePassword((into) => into.fill(1))).toBe('bbbbb-bbbbb-bbbbb-bbbbb')
    expect(strengthOf(madePassword(), 'guard-1')).toBe('good')
  })
})

describe('people', () => {
  it('are asked about what was filled in only', () => expect(givenOf({ name: ' A ', phone: '', identity: ' ' })).toEqual({ name: 'A' }))

  it('are told which field is wrong', () => {
    useTexts('en', { 'person.fault.shape': 'it has too few characters' })
    const problem = new Problem(422, 'request.malformed', 'no', {}, [{ place: 'body.phone', problem: 'person.fault.shape' }, { place: 'body.reason', problem: 'missing' }])
    expect(mistakesOf(problem)).toEqual({ phone: 'it has too few characters' })
    expect(mistakesOf(new Error('no'))).toEqual({})
  })

  it.each([
    ['2026-01-01T00:00:00Z', null, 'holds'], ['2026-06-01T00:00:00Z', null, 'later'], ['2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z', 'over'], ['2026-01-01T00:00:00Z', '2026-02-01T00:00:01Z', 'holds'],
  ])('have permits from %s to %s: %s', (valid_from, valid_until, word) => expect(standing({ valid_from, valid_until }, Date.parse('2026-02-01T00:00:00Z'))).toBe(word))
})

describe('devices', () => {
  it.each([
    ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0', 'Edge · Windows'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) MicroMessenger/8.0', 'WeChat · iOS'],
    ['python-httpx/0.28', 'python-httpx'], ['', '–'],
  ])('%s', (words, device) => expect(deviceOf(words)).toBe(device))
})
