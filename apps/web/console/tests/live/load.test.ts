import { describe, expect, it } from 'vitest'
import { watchSyncEffect } from 'vue'
import { LiveStore } from '@/pages/live/store'
import { World } from './world'

const SECONDS = 10
const PASSAGES = 100

describe('the store under load', () => {
  it('keeps 500 lanes at 100 passages a second with a few hundredths of a core', () => {
    const world = new World(50, 10)
    const store = new LiveStore()
    store.putAll(world.view())
    let drawn = 0
    for (const lane of world.lanes.keys()) watchSyncEffect(() => {
      store.lane(lane)
      drawn++
    })
    const lanes = [...world.lanes.values()]
    const seconds = Array.from({ length: SECONDS }, (_, second) => {
      // What comes is made before it is measured; 20 frames a second, four events a passage, as the server tells them.
      const frames = Array.from({ length: 20 }, (_, frame) => Array.from({ length: PASSAGES / 20 }, (_, at) => {
        const lane = lanes[(second * 37 + frame * 101 + at * 211) % lanes.length]!
        return [
          ...world.pass(lane.id), world.event('stays.stay_opened', lane.lot),
          world.event('facility.command_issued', lane.lot, { lane: lane.id }), world.event('facility.command_ended', lane.lot, { lane: lane.id }),
        ]
      }).flat())
      return { frames: frames.map((events) => JSON.stringify(events)), view: JSON.stringify({ position: world.position, lanes: [...world.lanes.values()] }), lots: JSON.stringify(world.view(world.lots, false)) }
    })
    drawn = 0
    const before = process.cpuUsage()
    for (const { frames, view, lots } of seconds) {
      for (const frame of frames) store.take(JSON.parse(frame))
      const work = store.work()
      const all = JSON.parse(view) as { position: number; lanes: { id: string }[] }
      const asked = new Set(work.lanes)
      store.putLanes({ position: all.position, lanes: all.lanes.filter((lane) => asked.has(lane.id)) as never })
      store.putLots(JSON.parse(lots))
    }
    const used = process.cpuUsage(before)
    const msPerSecond = (used.user + used.system) / 1_000 / SECONDS
    expect(drawn).toBeLessThanOrEqual(SECONDS * PASSAGES) // one for each lane that was asked for, none for the others
    expect(msPerSecond).toBeLessThan(60) // a few ms here; a busy machine takes several times as long
  })
})
