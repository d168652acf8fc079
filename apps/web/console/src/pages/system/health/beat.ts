// The beat of the page: what is shown is asked for anew with it.
import { ref, watch, type Ref } from 'vue'

const beat = ref(0)

/** Return the beat, to count on. */
export function useBeat(): Ref<number> {
  return beat
}

/** Do something with every beat. */
export function onBeat(act: () => void): void {
  watch(beat, act)
}
