import type { Schemas } from '@api'
import { describe, expect, it } from 'vitest'
import { companyOf, openBelow, pathOf, treeOf, walk } from '@/tree'

const node = (id: string, state: 'active' | 'closed' = 'active') => ({ id, code: id, name_zh: id, name_en: id, state, version: 1 })
const lot = (id: string, company: string, property: string | null = null) => ({ id, code: 'main', name_zh: id, name_en: id, company, property })
const all: Schemas['OrganisationView'] = {
  partners: [node('north')],
  companies: [{ ...node('demo'), partner: 'north' }, { ...node('alone'), partner: null }, { ...node('far'), partner: 'unseen' }],
  properties: [{ ...node('garden'), company: 'demo' }, { ...node('old', 'closed'), company: 'demo' }],
  lots: [lot('l1', 'demo', 'garden'), lot('l2', 'demo'), lot('l3', 'alone')],
}

describe('the tree', () => {
  const roots = treeOf(all)
  const byId = (id: string) => [...walk(roots)].find((place) => place.id === id)!

  it('hangs everything where it belongs; what lies under something unseen stands on top', () => {
    expect(roots.map((place) => place.id)).toEqual(['north', 'alone', 'far'])
    expect(byId('demo').children.map((place) => place.id)).toEqual(['garden', 'l2', 'old'])
    expect(pathOf(byId('l1')).map((place) => place.id)).toEqual(['north', 'demo', 'garden', 'l1'])
  })

  it('has keys that tell equal codes of different companies apart', () => {
    const keys = [...walk(roots)].map((place) => place.key)
    expect(new Set(keys).size).toBe(keys.length)
    expect(byId('garden').key).toBe('property:demo/garden')
    expect(companyOf(byId('l1'))!.code).toBe('demo')
    expect(companyOf(byId('north'))).toBeNull()
  })

  it('says what stands in the way of closing', () => {
    expect(openBelow(byId('demo')).map((place) => place.id)).toEqual(['garden', 'l2'])
    expect(openBelow(byId('l3'))).toEqual([])
  })
})
