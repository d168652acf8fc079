// What a person is offered about an exception: never what the server would refuse.
import type { Schemas } from '@api'
import { describe, expect, it } from 'vitest'
import { actionsFor } from '@/cars'

function problem(kind: Schemas['CaseKind'], more: Partial<Schemas['CaseDetailView']> = {}): Schemas['CaseDetailView'] {
  return {
    id: 'c1', kind, lot: 'mall', lane: 'out-1', passage: 'p1', stay: null, plate: '粤B·**346', state: 'open', text: '', evidence: {}, others: [],
    candidates: [{ stay: 's1', plate: '粤B·**345', entered: '2026-11-18T08:00:00Z', passage: 'p0', pictures: [] }],
    raised_at: '2026-11-18T09:00:00Z', resolved_at: null, resolved_by: null, resolution: null, reason: null, ...more,
  }
}

describe('what is offered', () => {
  it('opens for a car that waits', () => {
    expect(actionsFor(problem('exit_without_entry'), 'waiting', 'exit')).toEqual(['match_stay', 'correct_plate', 'open', 'dismiss'])
  })
  it('names a car that has gone on, and opens nothing for it', () => {
    expect(actionsFor(problem('exit_without_entry'), 'passed', 'exit')).toEqual(['match_stay', 'correct_plate', 'dismiss'])
    expect(actionsFor(problem('inner_without_entry', { candidates: [] }), 'passed', 'inner')).toEqual(['correct_plate', 'dismiss'])
  })
  it('tells a gate that failed again, though its car was let through', () => {
    expect(actionsFor(problem('gate_failed'), 'passed', 'exit')).toEqual(['open', 'dismiss'])
  })
  it('asks which of two cars with one plate leaves', () => {
    expect(actionsFor(problem('cloned_plate'), 'waiting', 'exit')).toEqual(['match_stay', 'correct_plate', 'dismiss'])
    expect(actionsFor(problem('cloned_plate'), 'waiting', 'entry')).toEqual(['other_car', 'match_stay', 'correct_plate', 'open', 'dismiss'])
  })
  it('charges who followed another car out, and books in who followed it in', () => {
    expect(actionsFor(problem('tailgater'), 'passed', 'exit')).toEqual(['charge', 'dismiss'])
    expect(actionsFor(problem('tailgater'), 'passed', 'entry')).toEqual(['correct_plate', 'dismiss'])
    expect(actionsFor(problem('tailgater', { stay: 's2' }), 'passed', 'entry')).toEqual(['dismiss'])
  })
})
