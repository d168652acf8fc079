// The tree of the organisation out of four flat lists.
import type { Schemas } from '@api'

export type Level = Schemas['Level']
export interface Place {
  /** What stands in addresses: `company:demo`; a property's code is one of its company only: `property:demo/garden`. */
  key: string
  level: Exclude<Level, 'platform'>
  id: string
  code: string
  name: { zh: string; en: string }
  isClosed: boolean
  /** Of its names and of what it hangs under; 0 for a lot, whose file has one of its own. */
  version: number
  /** The code of the company that it belongs to, or is. */
  company: string | null
  parent: Place | null
  children: Place[]
}
type Organisation = Schemas['OrganisationView']

/** Return what has nothing above it: partners, and companies of none. What lies under something unseen stands on top, too. */
export function treeOf(all: Organisation): Place[] {
  const byId = new Map<string, Place>()
  const roots: Place[] = []
  function put(level: Place['level'], node: { id: string; code: string; name_zh: string; name_en: string; state?: string; version?: number }, above: string | null): void {
    const parent = above === null ? null : (byId.get(above) ?? null)
    const company = level === 'partner' ? null : level === 'company' ? node.code : (companyOf(parent)?.code ?? null)
    const key = level === 'property' ? `${level}:${company ?? ''}/${node.code}` : `${level}:${level === 'lot' ? node.id : node.code}`
    const place: Place = {
      key, level, id: node.id, code: node.code, name: { zh: node.name_zh, en: node.name_en }, isClosed: node.state === 'closed', version: node.version ?? 0, company, parent, children: [],
    }
    byId.set(node.id, place)
    ;(parent?.children ?? roots).push(place)
  }
  for (const partner of all.partners) put('partner', partner, null)
  for (const company of all.companies) put('company', company, company.partner)
  for (const property of all.properties) put('property', property, property.company)
  for (const lot of all.lots) put('lot', lot, lot.property ?? lot.company)
  for (const place of byId.values()) place.children.sort(inOrder)
  return roots.sort(inOrder)
}

const ORDER = ['partner', 'company', 'property', 'lot']

function inOrder(one: Place, other: Place): number {
  return Number(one.isClosed) - Number(other.isClosed) || ORDER.indexOf(one.level) - ORDER.indexOf(other.level) || one.code.localeCompare(other.code)
}

/** Return the company that a place is or lies in. */
export function companyOf(place: Place | null): Place | null {
  for (let at = place; at; at = at.parent) if (at.level === 'company') return at
  return null
}

/** Go through places and all below them, each before what it holds. */
export function* walk(places: readonly Place[]): Generator<Place> {
  for (const place of places) {
    yield place
    yield* walk(place.children)
  }
}

/** Return a place and everything above it, the highest first. */
export function pathOf(place: Place | null): Place[] {
  return place ? [...pathOf(place.parent), place] : []
}

/** Return what is open below a place: it stands in the way of closing it. */
export function openBelow(place: Place): Place[] {
  return place.children.filter((each) => !each.isClosed)
}
