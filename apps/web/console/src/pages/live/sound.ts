// A short tone when somebody begins to wait, for whoever wants it.
import { ref, watch } from 'vue'

const KEPT = 'openberth.desk.sound'
export const wantsSound = ref(localStorage.getItem(KEPT) === 'on')
watch(wantsSound, (wanted) => localStorage.setItem(KEPT, wanted ? 'on' : 'off'))
let context: AudioContext | null = null

/** Sound once; silently nothing where the browser has no sound or wants a press first. */
export function ring(): void {
  if (!wantsSound.value || typeof AudioContext === 'undefined') return
  context ??= new AudioContext()
  const [tone, volume] = [context.createOscillator(), context.createGain()]
  tone.frequency.value = 880
  volume.gain.setValueAtTime(0.15, context.currentTime)
  volume.gain.exponentialRampToValueAtTime(0.001, context.currentTime + 0.4)
  tone.connect(volume).connect(context.destination)
  tone.start()
  tone.stop(context.currentTime + 0.4)
}
