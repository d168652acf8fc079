import { Unreachable } from '@api'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Feed } from '@/feed'
import { Follower } from '@/pages/live/follower'
import { LiveStore } from '@/pages/live/store'
import { Socket, World } from './world'

let world: World
let store: LiveStore
let feed: Feed
let follower: Follower

beforeEach(async () => {
  vi.useFakeTimers({ now: 1_770_000_000_000 })
  vi.stubGlobal('WebSocket', Socket)
  Socket.all = []
  world = new World()
  store = new LiveStore()
  feed = new Feed({
    token: () => 'token', renew: async () => true, company: () => null,
    take: (events) => follower.take(events), restart: () => follower.lookAnew(),
  })
  follower = new Follower(store, world.asks, feed)
  await follower.begin()
})
afterEach(() => {
  follower.end()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('following', () => {
  it('goes on from the position of the snapshot, and is fresh once the feed says so', async () => {
    expect(world.asked).toEqual(['all'])
    expect(Socket.last.url).toContain('after=10')
    expect(follower.isFresh.value).toBe(false)
    Socket.last.ready(10)
    expect(follower.isFresh.value).toBe(true)
  })

  it('asks for what changed at most once a second, however much happens', async () => {
    Socket.last.ready(10)
    for (let tenth = 0; tenth < 30; tenth++) {
      Socket.last.tell(world.pass(`lot-1-lane-${(tenth % 3) + 1}`))
      await vi.advanceTimersByTimeAsync(100)
    }
    await vi.advanceTimersByTimeAsync(1_000)
    const lanes = world.asked.filter((each) => each.startsWith('lanes'))
    expect(lanes.length).toBeLessThanOrEqual(5)
    expect(store.lane('lot-1-lane-1')).toEqual(world.lanes.get('lot-1-lane-1'))
    expect(store.lane('lot-1-lane-3')).toEqual(world.lanes.get('lot-1-lane-3'))
    expect(world.asked.some((each) => each.includes('lot-2'))).toBe(false)
  })

  it('says that it is old while the feed is lost, and is right again after it came back', async () => {
    Socket.last.ready(10)
    await vi.advanceTimersByTimeAsync(5_000)
    Socket.last.say({ type: 'ping', position: 10 })
    const heard = Date.now()
    Socket.last.breaks()
    expect(follower.isFresh.value).toBe(false)
    expect(follower.trueAt.value).toBe(heard)
    world.pass('lot-2-lane-2', { waiting: true, state: 'waiting', ask: 'pay' })
    await vi.advanceTimersByTimeAsync(2_000)
    expect(store.waiting.value).toEqual([])
    Socket.last.ready(10)
    expect(follower.isFresh.value).toBe(false) // not before everything was looked at
    await vi.advanceTimersByTimeAsync(0)
    expect(follower.isFresh.value).toBe(true)
    expect(store.waiting.value.map((lane) => lane.id)).toEqual(['lot-2-lane-2'])
  })

  it('begins anew where the log cannot be followed', async () => {
    Socket.last.ready(10)
    world.position = 50
    Socket.last.breaks(4422)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(Socket.last.url).toContain('after=50')
  })

  it('is not fresh while questions fail, and forgets nothing of what they were about', async () => {
    Socket.last.ready(10)
    world.failing = new Unreachable('away')
    Socket.last.tell(world.pass('lot-1-lane-2'))
    await vi.advanceTimersByTimeAsync(2_000)
    expect(follower.isFresh.value).toBe(false)
    expect(follower.error.value).toBe(world.failing)
    world.failing = null
    await vi.advanceTimersByTimeAsync(5_000)
    expect(follower.isFresh.value).toBe(true)
    expect(store.lane('lot-1-lane-2')).toEqual(world.lanes.get('lot-1-lane-2'))
  })

  it('asks nothing while the page is not seen, and looks at everything when it is', async () => {
    Socket.last.ready(10)
    await vi.advanceTimersByTimeAsync(2_000)
    const hidden = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true)
    Socket.last.tell(world.pass('lot-1-lane-2'))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(world.asked).toEqual(['all'])
    hidden.mockReturnValue(false)
    document.dispatchEvent(new Event('visibilitychange'))
    await vi.advanceTimersByTimeAsync(0)
    expect(store.lane('lot-1-lane-2')).toEqual(world.lanes.get('lot-1-lane-2'))
    hidden.mockRestore()
  })

  it('asks for alarms every minute, for they are no events', async () => {
    Socket.last.ready(10)
    await vi.advanceTimersByTimeAsync(61_000)
    expect(world.asked).toContain('lots lot-1,lot-2')
  })
})
