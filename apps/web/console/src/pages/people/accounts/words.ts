// How kinds and states of accounts are shown.
import type { Schemas } from '@api'
import type { Tone } from '@/parts/StateTag.vue'
import type { Code } from '@/texts'

export const KINDS: Record<Schemas['AccountKind'], Code> = {
  person: 'console.people.kind.person', integrator: 'console.people.kind.integrator', box: 'console.people.kind.box',
}
export const TONES: Record<Schemas['AccountState'], Tone> = { active: 'good', locked: 'bad', closed: 'quiet' }
