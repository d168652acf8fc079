// How states of stays, passages and exceptions look.
import type { Schemas } from '@api'
import type { Tone } from '@/parts/StateTag.vue'

export const STAY_TONES: Record<string, Tone> = { open: 'info', closed: 'quiet' }
export const PASSAGE_TONES: Record<Schemas['PassageState'], Tone> = { waiting: 'warn', passed: 'good', refused: 'bad', gone: 'quiet', undecided: 'bad' }
export const CASE_TONES: Record<string, Tone> = { open: 'warn', resolved: 'quiet' }
export const OUTCOME_TONES: Record<string, Tone> = { done: 'good', rejected: 'bad', unreachable: 'bad', uncertain: 'warn' }
export const PASSAGE_STATES = ['waiting', 'passed', 'refused', 'gone', 'undecided'] as const
export const DIRECTIONS = ['entry', 'exit', 'inner'] as const
export const REASONS = ['left', 'left_offline', 'manual', 'entered_again', 'turned_back', 'soft_closed', 'tailgated'] as const
export const CASE_KINDS = [
  'plate_unread', 'exit_without_entry', 'inner_without_entry', 'entered_again', 'blocked_vehicle', 'left_unpaid', 'clock_skew', 'decision_failed',
  'gate_failed', 'paid_no_gate', 'surplus', 'payment_differs', 'opened_by_hand', 'read_otherwise',
  'cloned_plate', 'tailgater',
] as const
