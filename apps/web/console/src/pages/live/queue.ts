// Who needs a person at a lane: cars that wait, and cars that stand there with something that only a person can settle.
import type { Schemas } from '@api'
import type { LaneNow } from './store'

export type Case = Schemas['CaseView']
export interface Queued {
  lane: LaneNow
  /** The exception about the car that stands there. */
  problem: Case | null
}

// What a car standing at a lane can be the matter of; others are about what has been.
const STANDING = new Set<Case['kind']>([
  'plate_unread', 'exit_without_entry', 'inner_without_entry', 'blocked_vehicle', 'decision_failed', 'gate_failed', 'paid_no_gate',
])
// These may also be told of a car that was let through: then nobody waits for it.
const WAITING = new Set<Case['kind']>(['cloned_plate', 'entered_again', 'tailgater'])

/** Return the queue, who waits longest first. `lanes` are all lanes, `cases` the open exceptions. */
export function queueOf(lanes: Iterable<LaneNow>, cases: readonly Case[]): Queued[] {
  const about = new Map(cases.filter((each) => each.passage && (STANDING.has(each.kind) || WAITING.has(each.kind))).map((each) => [each.passage!, each]))
  const found: Queued[] = []
  for (const lane of lanes) {
    const told = lane.passage ? about.get(lane.passage.id) ?? null : null
    const problem = told && (STANDING.has(told.kind) || lane.passage?.waiting) ? told : null
    if (lane.passage?.waiting || problem) found.push({ lane, problem })
  }
  return found.sort((one, other) =>
    one.lane.passage!.captured_at.localeCompare(other.lane.passage!.captured_at) || one.lane.id.localeCompare(other.lane.id))
}

/** Return the lane that is looked at next, or before; the first when none is, or when it is no longer in the queue. */
export function neighbour(queue: readonly Queued[], lane: string | null, step: 1 | -1): string | null {
  if (!queue.length) return null
  const at = queue.findIndex((each) => each.lane.id === lane)
  if (at < 0) return queue[step === 1 ? 0 : queue.length - 1]!.lane.id
  return queue[Math.min(queue.length - 1, Math.max(0, at + step))]!.lane.id
}
