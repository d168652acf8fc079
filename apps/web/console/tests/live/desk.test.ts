import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { OpenCases, type Case } from '@/pages/live/cases'
import { againIn, type DisplayNow } from '@/pages/live/display'
import { deedOf, pressedOf } from '@/pages/live/keys'
import { Pictures } from '@/pictures'
import { neighbour, queueOf } from '@/pages/live/queue'
import { LiveStore, type LotNow } from '@/pages/live/store'
import { World } from './world'

const caseOf = (change: Partial<Case>): Case => ({
  id: 'case', lot: 'lot-1', kind: 'gate_failed', text: '', lane: 'lane-1', passage: null, stay: null, plate: null, evidence: {},
  raised_at: '2026-03-02T10:00:00Z', state: 'open', resolution: null, resolved_at: null, resolved_by: null, reason: null, ...change,
})

describe('the queue', () => {
  it('has who waits, and who stands before a gate that failed, longest first', () => {
    const world = new World()
    world.pass('lot-1-lane-1', { id: 'early', captured_at: '2026-03-02T10:00:00Z' })
    world.pass('lot-2-lane-2', { id: 'late', captured_at: '2026-03-02T10:09:00Z', waiting: true })
    world.pass('lot-1-lane-3', { id: 'middle', captured_at: '2026-03-02T10:04:00Z', waiting: true })
    world.pass('lot-1-lane-2', { id: 'gone', captured_at: '2026-03-02T09:00:00Z' })
    const store = new LiveStore()
    store.putAll(world.view())
    const cases = [caseOf({ passage: 'early' }), caseOf({ passage: 'gone', kind: 'left_unpaid' }), caseOf({ passage: 'nobody' })]
    const queue = queueOf(world.lanes.values(), cases)
    expect(queue.map((each) => each.lane.passage?.id)).toEqual(['early', 'middle', 'late'])
    expect(queue[0]?.problem?.kind).toBe('gate_failed')
    expect(neighbour(queue, null, 1)).toBe('lot-1-lane-1')
    expect(neighbour(queue, 'lot-1-lane-1', 1)).toBe('lot-1-lane-3')
    expect(neighbour(queue, 'lot-2-lane-2', 1)).toBe('lot-2-lane-2')
    expect(neighbour([], 'lot-1-lane-1', -1)).toBeNull()
    expect(store.waiting.value.map((lane) => lane.passage?.id)).toEqual(['middle', 'late'])
  })
})

describe('the keys of the desk', () => {
  const pressed = (key: string, change = {}) => ({ key, inField: false, inDialog: false, onButton: false, withModifier: false, ...change })

  it('mean what stands on the caps', () => {
    expect(['F1', 'F2', 'F3', 'F4', 'F5', 'F6', 'F7', 'Enter', 'Escape', 'ArrowUp'].map((key) => deedOf(pressed(key)))).toEqual(
      ['cash', 'code', 'slip', 'plate', 'open', 'text', 'convoy', 'default', 'back', 'up'])
    expect(deedOf(pressed('3'))).toEqual({ candidate: 2 })
    expect(deedOf(pressed('0'))).toBeNull()
  })

  it('leave fields, dialogs, buttons and the browser alone', () => {
    expect(deedOf(pressed('3', { inField: true }))).toBeNull()
    expect(deedOf(pressed('F5', { inField: true }))).toBe('open')
    expect(deedOf(pressed('F5', { inDialog: true }))).toBeNull()
    expect(deedOf(pressed('F5', { withModifier: true }))).toBeNull()
    expect(deedOf(pressed('Enter', { onButton: true }))).toBeNull()
    document.body.innerHTML = '<input id="one"><div class="el-overlay"><div role="dialog"></div></div>'
    let found = {}
    document.body.addEventListener('keydown', (event) => (found = pressedOf(event)))
    document.querySelector('#one')!.dispatchEvent(new KeyboardEvent('keydown', { key: 'a', bubbles: true }))
    expect(found).toEqual(pressed('a', { inField: true, inDialog: true }))
    document.body.innerHTML = ''
  })
})

describe('the display of a lane', () => {
  const shown = (until: string | null) => ({ until, maker: 'kf' }) as DisplayNow
  const at = Date.parse('2026-03-02T10:00:00Z')

  it('is looked at again when what stands there ends, and now and then', () => {
    expect(againIn(shown('2026-03-02T10:00:05Z'), at)).toBe(5_400)
    expect(againIn(shown('2026-03-02T09:00:00Z'), at)).toBe(400)
    expect(againIn(shown('2026-03-02T11:00:00Z'), at)).toBe(20_000)
    expect(againIn(shown(null), at)).toBe(20_000)
    expect(againIn(null, at)).toBe(20_000)
  })
})

describe('lists of exceptions and pictures', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('are asked for again only when there are others, and at most once a second', async () => {
    const lots = new World(3).lots.map((lot): LotNow => ({ ...lot }))
    let asked = 0
    const cases = new OpenCases(async () => [caseOf({ id: String(++asked) })])
    const open = (at: number, count: number) => (lots[at] = { ...lots[at]!, exceptions: { open: count, newest: null } })
    cases.look(lots)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(asked).toBe(0)
    for (const count of [1, 2, 3, 4]) {
      open(0, count)
      cases.look(lots)
      cases.look(lots)
      await vi.advanceTimersByTimeAsync(100)
    }
    expect(asked).toBe(1)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(asked).toBe(2)
    expect(cases.all.value.map((each) => each.id)).toEqual(['2'])
    open(0, 0)
    cases.look(lots)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(cases.all.value).toEqual([])
    cases.end()
  })

  it('fetch few links at once, and none for what is no longer on the screen', async () => {
    const asked: string[] = []
    const pictures = new Pictures(async (place) => {
      asked.push(place)
      return { url: `/link/${place}`, expires_at: '' }
    })
    const got: (string | null)[] = []
    const drops = Array.from({ length: 20 }, (_, at) => pictures.wish(String(at), (url) => got.push(url)))
    drops[15]!()
    await vi.advanceTimersByTimeAsync(500)
    expect(asked).toHaveLength(6)
    await vi.advanceTimersByTimeAsync(5_000)
    expect(asked).toHaveLength(19)
    expect(asked).not.toContain('15')
    pictures.wish('3', (url) => got.push(url))
    expect(got.at(-1)).toBe('/link/3')
    expect(asked).toHaveLength(19)
  })
})
