import { beforeEach, describe, expect, it } from 'vitest'
import { watchSyncEffect } from 'vue'
import { LiveStore } from '@/pages/live/store'
import { World } from './world'

let world: World
let store: LiveStore
beforeEach(() => {
  world = new World()
  store = new LiveStore()
  store.putAll(world.view())
})

describe('the store of the live pages', () => {
  it('never puts an older answer over a newer one', () => {
    const lane = world.lanes.get('lot-1-lane-1')!
    world.pass(lane.id)
    store.putLanes({ position: 20, lanes: [world.lanes.get(lane.id)!] })
    store.putLanes({ position: 19, lanes: [lane] })
    expect(store.lane(lane.id)?.passage).not.toBeNull()
    store.putAll({ ...world.view(), position: 18, lots: world.view().lots.map((lot) => ({ ...lot, occupied: 1, lanes: [lane] })) })
    expect(store.lane(lane.id)?.passage).not.toBeNull()
  })

  it('draws anew only what changed', () => {
    const seen: Record<string, number> = {}
    for (const id of ['lot-1-lane-1', 'lot-1-lane-2']) watchSyncEffect(() => {
      store.lane(id)
      seen[id] = (seen[id] ?? 0) + 1
    })
    store.take(world.pass('lot-1-lane-2'))
    const work = store.work()
    expect(work).toEqual({ whole: [], lanes: ['lot-1-lane-2'], lots: ['lot-1'] })
    store.putLanes({ position: world.position, lanes: [world.lanes.get('lot-1-lane-2')!] })
    expect(seen).toEqual({ 'lot-1-lane-1': 1, 'lot-1-lane-2': 2 })
  })

  it('tells whoever asked in vain when a lane comes, and when it goes and comes again', () => {
    const late = new LiveStore()
    const seen: boolean[] = []
    watchSyncEffect(() => void seen.push(late.lane('lot-1-lane-1') !== null))
    late.putAll(world.view())
    late.putAll(world.view([]))
    late.putAll(world.view())
    expect([seen.at(0), seen.includes(true), seen.at(-1)]).toEqual([false, true, true])
    late.putAll(world.view([world.lots[1]!]))
    expect(seen.at(-1)).toBe(false)
  })

  it('asks again for money that is not in the sums yet, but not for ever', () => {
    store.take([world.event('payments.receipt_recorded', 'lot-1')])
    let asked = 0
    while (store.hasWork && asked < 100) {
      expect(store.work().lots).toEqual(['lot-1'])
      store.putLots(world.view([world.lots[0]!], false))
      if (++asked === 3) world.moneyPosition = world.position
    }
    expect(asked).toBe(4)
  })

  it('keeps lanes when a lot comes without them, and lets go of lots and lanes that are gone', () => {
    store.putLots(world.view(world.lots, false))
    expect(store.laneIds('lot-1')).toHaveLength(3)
    const [one] = world.view([world.lots[0]!]).lots
    store.putLots({ ...world.view([]), position: 99, lots: [{ ...one!, lanes: one!.lanes!.slice(1) }] })
    expect(store.lane('lot-1-lane-1')).toBeNull()
    store.putAll(world.view([world.lots[1]!]))
    expect(store.lotIds.value).toEqual(['lot-2'])
    expect(store.lane('lot-1-lane-2')).toBeNull()
  })

  it('asks for a lot as a whole when what stands on it has changed', () => {
    store.take([world.event('facility.lot_applied', 'lot-2'), world.event('tenancy.lot_came', 'lot-9')])
    expect(store.work().whole).toEqual(['lot-2', 'lot-9'])
  })

  it('asks for no more than one answer holds, the longest marked first', () => {
    const many = new World(1, 150)
    const full = new LiveStore()
    full.putAll(many.view())
    for (const lane of many.lanes.keys()) full.take(many.pass(lane))
    expect(full.work().lanes).toHaveLength(100)
    expect(full.work().lanes[0]).toBe('lot-1-lane-101')
    expect(full.hasWork).toBe(false)
  })
})
