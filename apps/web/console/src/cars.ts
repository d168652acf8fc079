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
