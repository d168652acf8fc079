import { describe, expect, it } from 'vitest'
import { boxOf, fit, isInside, limitsOf, pan, pathOf, pixelOf, placeAt, seen, zoom, type Point } from '@/pages/places/plan/geometry'
import { byArea, changed, found, pathsOf, type Plan, type Space } from '@/pages/places/plan/spaces'

const plan = { width: 17_500, height: 9_700 }
const size = { width: 900, height: 600 }
const whole = fit({ left: 0, top: 0, right: plan.width, bottom: plan.height }, size)
const square = (code: string, x: number, area = 'ground', state: Space['state'] = 'unknown'): Space => ({ code, area, state, sensed: true, outline: [[x, 0], [x + 250, 0], [x + 250, 530], [x, 530]] })

describe('looking at a plan', () => {
  it('begins with all of it, in the middle', () => {
    const [left, top] = pixelOf(whole, size, [0, 0])
    const [right, bottom] = pixelOf(whole, size, [plan.width, plan.height])
    expect(left).toBeCloseTo(20)
    expect(right).toBeCloseTo(880)
    expect(top + bottom).toBeCloseTo(600)
    expect(top).toBeGreaterThanOrEqual(20)
  })

  it('keeps what lies under the pointer there while one comes closer', () => {
    const pointer: Point = [700, 130]
    const before = placeAt(whole, size, pointer)
    const closer = zoom(whole, size, pointer, 1.7, limitsOf(plan, size))
    const after = placeAt(closer, size, pointer)
    expect(closer.scale).toBeCloseTo(whole.scale * 1.7)
    expect(after[0]).toBeCloseTo(before[0])
    expect(after[1]).toBeCloseTo(before[1])
  })

  it('lets nobody come closer than a space can be read, nor lose the plan', () => {
    const limits = limitsOf(plan, size)
    expect(zoom(whole, size, [0, 0], 1_000, limits).scale).toBe(limits.most)
    expect(zoom(whole, size, [0, 0], 0.001, limits).scale).toBe(limits.least)
    const away = pan(whole, 1e6, -1e6, plan)
    expect([away.x, away.y]).toEqual([0, plan.height])
    // A plan that is seen larger than that already stays as it is.
    expect(limitsOf({ width: 500, height: 500 }, size).most).toBeCloseTo(560 / 500)
  })

  it('moves with the hand', () => {
    const moved = pan(whole, 43, 0, plan)
    expect(pixelOf(moved, size, [whole.x, whole.y])).toEqual([size.width / 2 + 43, size.height / 2])
    expect(seen(moved, size).right - seen(moved, size).left).toBeCloseTo(size.width / whole.scale)
  })

  it('finds the space that was pressed, also a slanted one', () => {
    const slanted: Point[] = [[0, 0], [200, 100], [150, 500], [-50, 400]]
    expect(isInside(slanted, [100, 250])).toBe(true)
    expect(isInside(slanted, [190, 480])).toBe(false)
    expect(isInside(square('A1', 1_000).outline, [1_249, 529])).toBe(true)
    expect(boxOf(slanted)).toEqual({ left: -50, top: 0, right: 200, bottom: 500 })
  })
})

describe('the spaces of a plan', () => {
  const spaces = [square('A10', 0), square('A1', 250), square('BA1', 500, 'vip', 'free'), square('A2', 750, 'ground', 'occupied')]

  it('are found by their code, the very one first', () => {
    expect(found(spaces, ' a1 ').map((each) => each.code)).toEqual(['A1', 'A10', 'BA1'])
    expect(found(spaces, '')).toEqual([])
    expect(found(spaces, 'Z')).toEqual([])
  })

  it('are listed area by area in the order in which people count', () => {
    expect(byArea(spaces).map(({ area, spaces: all }) => [area, all.map((each) => each.code)])).toEqual([['ground', ['A1', 'A2', 'A10']], ['vip', ['BA1']]])
  })

  it('are drawn as one path for each state there is', () => {
    expect(pathsOf(spaces).map((each) => each.state)).toEqual(['free', 'occupied', 'unknown'])
    expect(pathsOf(spaces).at(-1)!.path.match(/Z/g)).toHaveLength(2)
    expect(pathOf([[[0, 0], [1, 0], [1, 1]]])).toBe('M0 0L1 0L1 1Z')
  })
})

describe('a plan that follows its sensors', () => {
  const drawn = { spaces: [square('A1', 0), square('A2', 250)] } as unknown as Plan
  const event = (code: string, after: string, kind = 'facility.space_state_changed') => ({ kind, body: { code, after } }) as unknown as Parameters<typeof changed>[1][number]

  it('shows what the last event of a space says', () => {
    const after = changed(drawn, [event('A2', 'occupied'), event('A2', 'free'), event('A1', 'occupied')])
    expect(after.spaces.map((each) => each.state)).toEqual(['occupied', 'free'])
    expect(drawn.spaces.map((each) => each.state)).toEqual(['unknown', 'unknown'])
  })

  it('stays what it is when nothing is about it', () => {
    expect(changed(drawn, [event('B1', 'free'), event('A1', 'free', 'facility.alarm_raised'), event('A1', 'broken')])).toBe(drawn)
  })
})
