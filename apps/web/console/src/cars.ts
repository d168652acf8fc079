// Cars that somebody has to tell apart.
import type { Schemas } from '@api'

// Where the car is not known: it may be one of those inside.
const UNKNOWN = new Set<Schemas['CaseKind']>(['plate_unread', 'exit_without_entry', 'inner_without_entry', 'cloned_plate', 'tailgater'])

/** Return the cars inside that the car of an exception may be; of one that came in twice, by which entry it is priced. */
export function candidatesOf(problem: Schemas['CaseDetailView'] | null): Schemas['CandidateView'][] {
  if (!problem) return []
  const isTwice = problem.kind === 'entered_again' && problem.stay !== null
  return isTwice || UNKNOWN.has(problem.kind) ? problem.candidates : []
}

/** Tell whether the car of an exception has gone on: it can still be named, and nothing opens for it. */
export function hasGone(problem: Schemas['CaseDetailView'], car: Schemas['PassageState'] | null): boolean {
  return car === 'passed' && (problem.kind === 'exit_without_entry' || problem.kind === 'inner_without_entry')
}

/** Return what a person may do about an open exception. `car` is the state of its passage, `lane` the kind of its lane. */
export function actionsFor(problem: Schemas['CaseDetailView'], car: Schemas['PassageState'] | null, lane: Schemas['LaneKind'] | null): Schemas['CaseAction'][] {
  if (problem.kind === 'tailgater') {
    // Who left owes; who came in is booked in, where nobody knows yet whose car it was.
    if (lane === 'exit') return ['charge', 'dismiss']
    return lane === 'entry' && problem.stay === null ? ['correct_plate', 'dismiss'] : ['dismiss']
  }
  const atLane = problem.passage !== null && problem.lane !== null
  const isClone = problem.kind === 'cloned_plate' && problem.stay === null
  const isNamed = problem.kind !== 'gate_failed' && problem.kind !== 'paid_no_gate'
  return [
    ...(isClone && lane === 'entry' ? ['other_car' as const] : []),
    ...(candidatesOf(problem).length ? ['match_stay' as const] : []),
    ...(atLane && isNamed ? ['correct_plate' as const] : []),
    // Which of two cars with one plate leaves has to be said.
    ...(atLane && !hasGone(problem, car) && !(isClone && lane === 'exit') ? ['open' as const] : []),
    'dismiss',
  ]
}
