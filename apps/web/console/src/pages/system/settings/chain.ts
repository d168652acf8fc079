// How a setting comes to hold at a node: what was said on each level above it, and which of them counts.
import type { Schemas } from '@api'
import type { Level, Place } from '@/tree'

export type Setting = Schemas['SettingView']
export type Value = Setting['value']
/** A level on the way down to a node, with the settings there; null when somebody may not look at that level. */
export interface Step {
  level: Level
  name: string
  settings: readonly Setting[] | null
}
export interface Link {
  level: Level
  name: string
  /** What was set at that level; null: nothing, or it may not be seen. */
  own: Value | null
  isSeen: boolean
  isLocked: boolean
  /** The value that holds at the node comes from here. */
  holds: boolean
  isOverruled: boolean
}

export const DOWNWARD: readonly Level[] = ['platform', 'partner', 'company', 'property', 'lot']

/** Return the way down to a node for one setting, of those levels that may set it; also the unseen one that it comes from. */
export function chainOf(setting: Setting, steps: readonly Step[]): Link[] {
  const from = setting.source
  const unseen: Step[] = from !== null && steps.every((step) => step.level !== from) ? [{ level: from, name: '', settings: null }] : []
  const all = [...steps, ...unseen].sort((one, other) => DOWNWARD.indexOf(one.level) - DOWNWARD.indexOf(other.level))
  return all.filter((step) => setting.levels.includes(step.level)).map((step) => {
    const said = step.settings?.find((each) => each.key === setting.key) ?? null
    return {
      level: step.level, name: step.name, own: said?.own ?? null, isSeen: step.settings !== null, isLocked: said?.own_locked ?? setting.locked_by === step.level,
      holds: setting.source === step.level, isOverruled: said?.overruled ?? false,
    }
  })
}

/** Tell who forbids another value at a level: the level whose lock lies above it; null when nobody does. */
export function lockAbove(setting: Setting, at: Level): Level | null {
  const by = setting.locked_by
  return by !== null && DOWNWARD.indexOf(by) < DOWNWARD.indexOf(at) ? by : null
}

/** What the API wants to know of a node: its level and code, and of a property the company. */
export function askedAt(place: Place | null): { level: Level; node?: string; company?: string } {
  if (!place) return { level: 'platform' }
  const node = place.level === 'lot' ? place.id : place.code
  return { level: place.level, node, ...(place.level === 'property' && place.company ? { company: place.company } : {}) }
}
