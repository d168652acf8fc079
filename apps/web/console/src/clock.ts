// The time of the business: that of stays, bills and days. In a demo it runs faster than the browser's.
import { defineStore } from 'pinia'
import { ref } from 'vue'
import { useSession } from './session'

export const useClock = defineStore('clock', () => {
  const session = useSession()
  const isKnown = ref(false)
  let heardAt = 0
  let business = 0
  let speed = 1
  let asking: Promise<void> | null = null

  /** Ask the server what time it is, once. Whoever may not ask goes by the browser's clock. */
  function know(): Promise<void> {
    asking ??= ask()
    return asking
  }

  async function ask(): Promise<void> {
    try {
      const told = await session.api.get('/v1/clock')
      heardAt = Date.now()
      business = Date.parse(told.business_now)
      speed = Number(told.speed)
    } catch {
      asking = null // the next page asks again
    } finally {
      isKnown.value = true
    }
  }

  /** Return the business time in ms. */
  function now(): number {
    return heardAt ? business + (Date.now() - heardAt) * speed : Date.now()
  }

  return { isKnown, know, now }
})
