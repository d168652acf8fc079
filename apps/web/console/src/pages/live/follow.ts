// The live pages' way to the server: store and feed, begun with the page and ended with it.
import { Problem } from '@api'
import { onMounted, onUnmounted } from 'vue'
import { Feed } from '@/feed'
import { useClock } from '@/clock'
import { useSession } from '@/session'
import { Follower } from './follower'
import { LiveStore } from './store'

export interface LiveHouse {
  store: LiveStore
  follower: Follower
  feed: Feed
}

/** Follow all lots that one may see, as long as the page lives. `always`: also while it is not looked at. */
export function useLive(always = false): LiveHouse {
  const session = useSession()
  const clock = useClock()
  const store = new LiveStore()
  const feed: Feed = new Feed({
    token: () => session.access, renew: session.renew, company: () => session.company,
    take: (events) => follower.take(events), restart: () => follower.lookAnew(),
  })
  const follower = new Follower(store, {
    all: () => session.api.get('/v1/live'),
    lot: async (id) => {
      try {
        return await session.api.get('/v1/live', { query: { lot: id } })
      } catch (error) {
        if (error instanceof Problem && error.status === 404) return null
        throw error
      }
    },
    lots: (ids) => session.api.get('/v1/live/lots', { query: { lots: ids.join(',') } }),
    lanes: (ids) => session.api.get('/v1/live/lanes', { query: { lanes: ids.join(',') } }),
  }, feed, always)

  onMounted(() => {
    void clock.know()
    void follower.begin()
  })
  onUnmounted(() => follower.end())
  return { store, follower, feed }
}
