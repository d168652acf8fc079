// Open exceptions, the newest of all lots: asked for anew when the live page says that there are others, and not more often
// than once a second. The page of exceptions shows all.
import type { Schemas } from '@api'
import { shallowRef } from 'vue'
import type { LotNow } from './store'

export type Case = Schemas['CaseView']
export const SHOWN_MAX = 100
const PAUSE_MS = 1_000
const AGAIN_MS = 5_000

export class OpenCases {
  /** Newest first. */
  readonly all = shallowRef<readonly Case[]>([])
  private asked = ''
  private wanted = ''
  private timer = 0
  private busy = false
  private ended = false

  constructor(private readonly ask: (limit: number) => Promise<readonly Case[]>) {}

  /** Look at lots as they are now: when their exceptions are others than those asked for last, they are asked for. */
  look(lots: readonly LotNow[]): void {
    const open = lots.filter((lot) => lot.exceptions?.open)
    this.wanted = open.map((lot) => `${lot.id}/${lot.exceptions!.open}/${lot.exceptions!.newest?.id ?? ''}`).join()
    void this.go()
  }

  /** Let a case go that was just resolved here; the answer follows. */
  drop(id: string): void {
    this.all.value = this.all.value.filter((each) => each.id !== id)
  }

  end(): void {
    this.ended = true
    clearTimeout(this.timer)
  }

  private async go(): Promise<void> {
    if (this.busy || this.ended || this.timer || this.wanted === this.asked) return
    const sign = this.wanted
    let pause = PAUSE_MS
    this.busy = true
    try {
      const found = sign ? await this.ask(SHOWN_MAX) : []
      this.asked = sign
      if (!this.ended) this.all.value = found
    } catch {
      pause = AGAIN_MS // that the server is away is said by the page already
    } finally {
      this.busy = false
    }
    if (this.ended) return
    this.timer = window.setTimeout(() => {
      this.timer = 0
      void this.go()
    }, pause)
  }
}
