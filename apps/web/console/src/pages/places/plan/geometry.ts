// Where one looks at a plan, and what lies where. A plan is in whole centimetres, x to the right, y down. Pure.
export type Point = readonly [number, number]
export interface Size {
  width: number
  height: number
}
/** The centre of what is seen, in centimetres, and how many pixels a centimetre takes. */
export interface View {
  x: number
  y: number
  scale: number
}
export interface Box {
  left: number
  top: number
  right: number
  bottom: number
}

const MARGIN_PX = 20
/** A space of 2.5 m fills this many pixels when one has come as close as one can. */
const CLOSEST_PX = 160
const SPACE_CM = 250

/** Return the box around points. */
export function boxOf(points: readonly Point[]): Box {
  const xs = points.map(([x]) => x)
  const ys = points.map(([, y]) => y)
  return { left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) }
}

/** Return the middle of a box around points. */
export function middleOf(points: readonly Point[]): Point {
  const box = boxOf(points)
  return [(box.left + box.right) / 2, (box.top + box.bottom) / 2]
}

/** Look at a box as large as it can be seen whole. */
export function fit(box: Box, size: Size): View {
  const wide = Math.max(1, size.width - 2 * MARGIN_PX) / Math.max(1, box.right - box.left)
  const high = Math.max(1, size.height - 2 * MARGIN_PX) / Math.max(1, box.bottom - box.top)
  return { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2, scale: Math.min(wide, high) }
}

/** Return how far one may go away from a plan and how close one may come. */
export function limitsOf(plan: Size, size: Size): { least: number; most: number } {
  const whole = fit({ left: 0, top: 0, right: plan.width, bottom: plan.height }, size).scale
  return { least: whole / 2, most: Math.max(whole, CLOSEST_PX / SPACE_CM) }
}

/** Return the place of the plan under a pixel. */
export function placeAt(view: View, size: Size, [px, py]: Point): Point {
  return [view.x + (px - size.width / 2) / view.scale, view.y + (py - size.height / 2) / view.scale]
}

/** Return the pixel at which a place of the plan is seen. */
export function pixelOf(view: View, size: Size, [x, y]: Point): Point {
  return [(x - view.x) * view.scale + size.width / 2, (y - view.y) * view.scale + size.height / 2]
}

/** Come closer by a factor, or go away; what lies under the pixel stays there. */
export function zoom(view: View, size: Size, at: Point, factor: number, { least, most }: { least: number; most: number }): View {
  const scale = Math.min(most, Math.max(least, view.scale * factor))
  const [x, y] = placeAt(view, size, at)
  return { x: x - (at[0] - size.width / 2) / scale, y: y - (at[1] - size.height / 2) / scale, scale }
}

/** Move what is seen by pixels; the middle never leaves the plan. */
export function pan(view: View, dx: number, dy: number, plan: Size): View {
  const within = (value: number, most: number): number => Math.min(most, Math.max(0, value))
  return { ...view, x: within(view.x - dx / view.scale, plan.width), y: within(view.y - dy / view.scale, plan.height) }
}

/** Return the part of the plan that is seen. */
export function seen(view: View, size: Size): Box {
  const [left, top] = placeAt(view, size, [0, 0])
  const [right, bottom] = placeAt(view, size, [size.width, size.height])
  return { left, top, right, bottom }
}

/** Tell whether a point lies in a box. */
export function isIn(box: Box, [x, y]: Point): boolean {
  return x >= box.left && x <= box.right && y >= box.top && y <= box.bottom
}

/** Tell whether a point lies in a polygon. */
export function isInside(outline: readonly Point[], [x, y]: Point): boolean {
  let inside = false
  for (let at = 0, before = outline.length - 1; at < outline.length; before = at++) {
    const [ax, ay] = outline[at]!
    const [bx, by] = outline[before]!
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside
  }
  return inside
}

/** Return the path of polygons, all in one: hundreds of spaces are one thing to draw. */
export function pathOf(outlines: Iterable<readonly Point[]>): string {
  let path = ''
  for (const outline of outlines) path += `M${outline.map(([x, y]) => `${x} ${y}`).join('L')}Z`
  return path
}
