// The live feed: what happens, from a position on. It resumes where it stopped, and says how fresh it is: a number that
// may be stale is never shown as fresh.
import { computed, ref } from 'vue'

export interface FeedEvent {
  position: number
  id: string
  kind: string
  lot: string | null
  company: string | null
  key: string
  occurred_at: string
  recorded_at: string
  body: Record<string, unknown>
}
export type FeedState = 'connecting' | 'live' | 'lost'
interface Frame {
  type: 'ready' | 'events' | 'ping' | 'problem'
  position: number
  events?: FeedEvent[]
}
interface Needs {
  token: () => string | null
  /** Get another token; false when one has to sign in. */
  renew: () => Promise<boolean>
  company: () => string | null
  take: (events: FeedEvent[]) => void
  /** The log could not be followed from where it was: look at everything anew. Returns the position to go on from. */
  restart: () => Promise<number>
}

const SILENT_MS = 40_000 // the server says something every 15 s
const FIRST_MS = 500
const LAST_MS = 15_000

export class Feed {
  readonly state = ref<FeedState>('connecting')
  /** When the server last said that everything so far was told, in the browser's own clock. */
  readonly heardAt = ref(0)
  readonly isFresh = computed(() => this.state.value === 'live')
  private socket: WebSocket | null = null
  private position = 0
  private wait = FIRST_MS
  private retry = 0
  private watch = 0
  private ended = false

  constructor(
    private readonly needs: Needs,
    private readonly lot: string | null = null,
  ) {}

  start(position: number): void {
    this.position = position
    this.ended = false
    document.addEventListener('visibilitychange', this.seen)
    window.addEventListener('online', this.again)
    this.watch = window.setInterval(() => this.listen(), 1_000)
    void this.open()
  }

  stop(): void {
    this.ended = true
    clearTimeout(this.retry)
    clearInterval(this.watch)
    document.removeEventListener('visibilitychange', this.seen)
    window.removeEventListener('online', this.again)
    this.drop()
  }

  /** Connect anew at once, whatever is the matter. */
  readonly again = (): void => {
    clearTimeout(this.retry)
    this.wait = FIRST_MS
    this.drop()
    void this.open()
  }

  private readonly seen = (): void => {
    // A phone or laptop that slept holds a socket that looks open and is not.
    if (!document.hidden && Date.now() - this.heardAt.value > SILENT_MS / 2) this.again()
  }

  private async open(): Promise<void> {
    if (this.ended || this.socket || !this.needs.token()) return
    this.state.value = this.heardAt.value ? 'lost' : 'connecting'
    const asked = new URLSearchParams({ after: String(this.position) })
    if (this.lot) asked.set('lot', this.lot)
    const company = this.needs.company()
    if (company) asked.set('company', company)
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    const socket = new WebSocket(`${scheme}://${location.host}/v1/feed?${asked}`, ['openberth.v1', `bearer.${this.needs.token() ?? ''}`])
    this.socket = socket
    let wasOpen = false
    socket.onopen = () => (wasOpen = true)
    socket.onmessage = (message) => this.heard(JSON.parse(String(message.data)) as Frame)
    socket.onclose = (event) => {
      if (this.socket === socket) void this.closed(event.code, wasOpen)
    }
  }

  private heard(frame: Frame): void {
    if (frame.type === 'problem') return // it closes with a code that says the same
    this.state.value = 'live'
    this.heardAt.value = Date.now()
    this.wait = FIRST_MS
    const events = (frame.events ?? []).filter((event) => event.position > this.position)
    this.position = Math.max(this.position, frame.position)
    if (events.length) this.needs.take(events)
  }

  private async closed(code: number, wasOpen: boolean): Promise<void> {
    this.socket = null
    if (this.ended) return
    this.state.value = 'lost'
    try {
      // A refusal before the socket opened shows as 1006: most likely the token has run out.
      if ((code === 4401 || !wasOpen) && !(await this.needs.renew())) return // one has to sign in
      if (code === 4422) this.position = await this.needs.restart()
    } catch {
      // The server is away: the retry below finds it again.
    }
    this.later()
  }

  private later(): void {
    clearTimeout(this.retry)
    this.retry = window.setTimeout(() => void this.open(), this.wait * (0.75 + Math.random() / 2))
    this.wait = Math.min(this.wait * 2, LAST_MS)
  }

  private listen(): void {
    if (this.state.value === 'live' && Date.now() - this.heardAt.value > SILENT_MS) {
      this.state.value = 'lost'
      this.drop()
      this.later()
    }
  }

  private drop(): void {
    const socket = this.socket
    this.socket = null
    if (socket) {
      socket.onclose = null
      socket.onmessage = null
      socket.close()
    }
  }
}
