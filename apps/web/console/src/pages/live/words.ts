// How states of lanes, lots and barriers are told: by a tone with its shape, and in words.
import type { Schemas } from '@api'
import type { Tone } from '@/parts/StateTag.vue'
import { said } from '@/texts'
import type { LaneNow } from './store'

type Opening = Schemas['OpeningView']
type Told = Pick<Opening, 'state' | 'outcome'>

const GATE: Record<NonNullable<Opening['outcome']>, Tone> = { done: 'good', rejected: 'bad', unreachable: 'bad', uncertain: 'warn' }
const PASSAGE: Record<NonNullable<LaneNow['passage']>['state'], Tone> = {
  waiting: 'warn', passed: 'good', refused: 'bad', gone: 'quiet', undecided: 'bad',
}

export function gateTone(opening: Told): Tone {
  return opening.outcome ? GATE[opening.outcome] : 'info'
}

/** Say what a barrier did: accepted is not done. */
export function gateWords(opening: Told): string {
  return said('console.live.gate', opening.outcome ?? opening.state)
}

export function passageTone(passage: NonNullable<LaneNow['passage']>): Tone {
  return PASSAGE[passage.state]
}

const URGENT_S = 60
const LONG_S = 180

/** How long a car waits, as a tone and a word: not by colour alone. */
export function urgency(seconds: number): { tone: Tone; word: 'new' | 'waiting' | 'long' } {
  if (seconds >= LONG_S) return { tone: 'bad', word: 'long' }
  return seconds >= URGENT_S ? { tone: 'warn', word: 'waiting' } : { tone: 'info', word: 'new' }
}
