// The spaces of a plan as one looks for them. Pure.
import type { Schemas } from '@api'
import type { FeedEvent } from '@/feed'
import { pathOf } from './geometry'

export type Plan = Schemas['PlanView']
export type Space = Schemas['SpaceView']
export const STATES: readonly Schemas['SpaceState'][] = ['free', 'occupied', 'unknown']

/** Return the spaces whose code has these letters, those that begin with them first. */
export function found(spaces: readonly Space[], words: string): Space[] {
  const wanted = words.trim().toUpperCase()
  if (!wanted) return []
  const rank = (code: string): number => (code === wanted ? 0 : code.startsWith(wanted) ? 1 : 2)
  return spaces
    .filter((each) => each.code.toUpperCase().includes(wanted))
    .sort((a, b) => rank(a.code.toUpperCase()) - rank(b.code.toUpperCase()) || a.code.localeCompare(b.code, 'en', { numeric: true }))
}

/** Return a plan after events of its lot: the same one when none of them is about a space that is on it. */
export function changed(plan: Plan, events: readonly FeedEvent[]): Plan {
  const states = new Map<string, Schemas['SpaceState']>()
  for (const event of events) {
    if (event.kind !== 'facility.space_state_changed') continue
    const state = STATES.find((each) => each === event.body['after'])
    if (state) states.set(String(event.body['code']), state)
  }
  if (!plan.spaces.some((each) => states.has(each.code))) return plan
  return { ...plan, spaces: plan.spaces.map((each) => ({ ...each, state: states.get(each.code) ?? each.state })) }
}

/** Return one path for all spaces of each state. */
export function pathsOf(spaces: readonly Space[]): { state: Schemas['SpaceState']; path: string }[] {
  return STATES.map((state) => ({ state, path: pathOf(spaces.filter((each) => each.state === state).map((each) => each.outline)) })).filter((each) => each.path)
}

/** Return the spaces area by area, each by code. */
export function byArea(spaces: readonly Space[]): { area: string; spaces: Space[] }[] {
  const areas = new Map<string, Space[]>()
  for (const space of spaces) {
    const all = areas.get(space.area)
    if (all) all.push(space)
    else areas.set(space.area, [space])
  }
  return [...areas].map(([area, all]) => ({ area, spaces: all.sort((a, b) => a.code.localeCompare(b.code, 'en', { numeric: true })) }))
}
