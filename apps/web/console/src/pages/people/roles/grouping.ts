// Permissions in groups that people look for them in. A permission of a thing that no group names stands in the last one.
import type { Schemas } from '@api'

type Permission = Schemas['PermissionView']
export const GROUPS = {
  lots: ['lot', 'lane', 'device', 'occupancy', 'alarm', 'feed'],
  cars: ['passage', 'picture', 'stay', 'plate', 'case', 'permit'],
  prices: ['tariff', 'calendar'],
  money: ['bill', 'finance', 'cash', 'refund', 'debt', 'reconciliation', 'payout', 'channel', 'prepaid', 'shift', 'safe', 'invoice', 'coupon'],
  persons: ['person', 'consent'],
  access: ['organisation', 'property', 'account', 'grant', 'role', 'session', 'factor', 'integrator'],
  system: ['system', 'setting', 'audit', 'key', 'backup'],
  other: [],
} as const satisfies Record<string, readonly string[]>
export type Group = keyof typeof GROUPS

function groupOf(code: string): Group {
  const thing = code.slice(0, code.indexOf('.'))
  return (Object.keys(GROUPS) as Group[]).find((group) => (GROUPS[group] as readonly string[]).includes(thing)) ?? 'other'
}

/** Return the permissions that a search finds (in their words or code), by group in the order of groups; none is empty. */
export function grouped(all: readonly Permission[], search = ''): { group: Group; permissions: Permission[] }[] {
  const wanted = search.trim().toLowerCase()
  const found = all.filter((each) => !wanted || each.text.toLowerCase().includes(wanted) || each.code.includes(wanted))
  return (Object.keys(GROUPS) as Group[])
    .map((group) => ({ group, permissions: found.filter((each) => groupOf(each.code) === group) }))
    .filter((each) => each.permissions.length)
}

const LOOKS = ['read', 'export', 'unmask']

/** Tell whether a permission lets somebody change anything. */
export function changesSomething(code: string): boolean {
  return !LOOKS.includes(code.slice(code.indexOf('.') + 1))
}
