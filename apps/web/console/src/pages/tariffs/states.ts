// How the states of versions look.
import type { Schemas } from '@api'
import type { Tone } from '@/parts/StateTag.vue'

export const TONES: Record<Schemas['VersionState'], Tone> = {
  scheduled: 'info', in_force: 'good', overlaid: 'warn', superseded: 'quiet', ended: 'quiet',
}
