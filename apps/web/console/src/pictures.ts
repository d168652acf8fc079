// Pictures by links of five minutes. Every look is written down by the server, so only what is on the screen is asked for,
// a few at a time, the newest wish first; a wish that is no longer on the screen is dropped.
import type { Schemas } from '@api'
import { defineStore } from 'pinia'
import { markRaw } from 'vue'
import { useSession } from './session'

type Link = Schemas['PictureLinkView']
const AT_ONCE = 3
const PER_SECOND = 6
const KEPT_MAX = 200
const KEPT_MS = 4 * 60_000

interface Wish {
  place: string
  done: (url: string | null) => void
}

export class Pictures {
  private readonly kept = new Map<string, { url: string; until: number }>()
  private wishes: Wish[] = []
  private running = 0
  private begun: number[] = []
  private timer = 0

  constructor(private readonly ask: (place: string) => Promise<Link>) {}

  /** Ask for the address of a picture; null when there is none to be had. Returns how to let the wish go. */
  wish(place: string, done: (url: string | null) => void): () => void {
    const known = this.kept.get(place)
    if (known && known.until > Date.now()) {
      done(known.url)
      return () => undefined
    }
    const wish = { place, done }
    this.wishes.push(wish)
    this.go()
    return () => (this.wishes = this.wishes.filter((each) => each !== wish))
  }

  private go(): void {
    while (this.running < AT_ONCE && this.wishes.length) {
      const now = Date.now()
      this.begun = this.begun.filter((at) => now - at < 1_000)
      if (this.begun.length >= PER_SECOND) {
        this.timer ||= window.setTimeout(() => {
          this.timer = 0
          this.go()
        }, this.begun[0]! + 1_000 - now)
        return
      }
      this.begun.push(now)
      void this.fetch(this.wishes.pop()!)
    }
  }

  private async fetch(wish: Wish): Promise<void> {
    this.running++
    try {
      const { url } = await this.ask(wish.place)
      this.kept.set(wish.place, { url, until: Date.now() + KEPT_MS })
      if (this.kept.size > KEPT_MAX) this.kept.delete(this.kept.keys().next().value!)
      wish.done(url)
    } catch {
      wish.done(null) // not there, or not for this person: the place stays empty and says so
    } finally {
      this.running--
      this.go()
    }
  }
}

/** The pictures of all pages: one queue, so that a page does not ask for more at once than another would. */
export const usePictures = defineStore('pictures', () => {
  const session = useSession()
  const pictures = markRaw(new Pictures((place) => {
    const [, , , passage, , number] = place.split('/') // /v1/passages/ID/pictures/N
    return session.api.get('/v1/passages/{passage}/pictures/{number}', { path: { passage: passage!, number: Number(number) } })
  }))
  return { pictures }
})
