// What a barrier did after a deed: the command that came of it, until it has ended. Accepted is not done.
import type { Schemas } from '@api'
import { ref, shallowRef } from 'vue'
import type { FeedEvent } from '@/feed'

export type Command = Schemas['CommandView']
const EVERY_MS = 1_500
const NONE_AFTER_MS = 8_000
const LONG_MS = 60_000

export class BarrierWatch {
  /** The newest command to the lane since the deed. */
  readonly command = shallowRef<Command | null>(null)
  readonly isWatching = ref(false)
  private known = ''
  private where: { lot: string; code: string; id: string } | null = null
  private since = 0
  private timer = 0
  private turn = 0

  constructor(private readonly ask: (lot: string) => Promise<readonly Command[]>) {}

  /** Look which commands there were before: ids grow, so that a later one is known by its id. */
  async before(lane: { lot: string; code: string; id: string }): Promise<void> {
    this.stop()
    this.where = lane
    this.command.value = null
    const mine = ++this.turn
    try {
      const newest = this.newestOf(await this.ask(lane.lot))
      if (mine === this.turn) this.known = newest?.id ?? ''
    } catch {
      this.known = '' // then the newest one is shown, whatever it came of
    }
  }

  /** Watch from now on, after a deed; `command` when the deed gave it. */
  watch(command: Command | null = null): void {
    this.command.value = command
    this.isWatching.value = true
    this.since = Date.now()
    void this.look()
  }

  /** Look at once when an event tells of this lane's barrier. */
  hear(events: readonly FeedEvent[]): void {
    if (this.isWatching.value && events.some((each) => each.kind.startsWith('facility.command_') && each.body['lane'] === this.where?.id)) void this.look()
  }

  stop(): void {
    clearTimeout(this.timer)
    this.turn++
    this.isWatching.value = false
  }

  private async look(): Promise<void> {
    clearTimeout(this.timer)
    const mine = ++this.turn
    try {
      const found = this.newestOf(await this.ask(this.where!.lot))
      if (mine !== this.turn) return
      if (found && found.id > this.known && found.id >= (this.command.value?.id ?? '')) this.command.value = found
    } catch {
      if (mine !== this.turn) return // asked again below
    }
    const waited = Date.now() - this.since
    const isOver = this.command.value ? this.command.value.state === 'ended' || waited > LONG_MS : waited > NONE_AFTER_MS
    if (isOver) this.stop()
    else this.timer = window.setTimeout(() => void this.look(), EVERY_MS)
  }

  private newestOf(commands: readonly Command[]): Command | null {
    return commands.filter((each) => each.lane === this.where?.code).reduce<Command | null>((last, each) => (!last || each.id > last.id ? each : last), null)
  }
}
