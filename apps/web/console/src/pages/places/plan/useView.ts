// How somebody moves over a plan: by wheel, by dragging, with two fingers, by keys. The arithmetic stands in geometry.ts.
import { onBeforeUnmount, onMounted, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { fit, limitsOf, middleOf, pan, placeAt, zoom, type Point, type Size, type View } from './geometry'

const STEP = 1.3
const STEP_PX = 60
const STILL_PX = 4
const SPACE_CM = 250
const FOUND_PX = 56

export interface Looking {
  view: ShallowRef<View>
  size: ShallowRef<Size>
  isDragging: Ref<boolean>
  whole: () => void
  closer: () => void
  farther: () => void
  /** Bring something into the middle, close enough to read its code. */
  show: (outline: readonly Point[]) => void
  on: {
    wheel: (event: WheelEvent) => void
    pointerdown: (event: PointerEvent) => void
    pointermove: (event: PointerEvent) => void
    pointerup: (event: PointerEvent) => void
    pointercancel: (event: PointerEvent) => void
    keydown: (event: KeyboardEvent) => void
  }
}

/** Keep what is seen of a plan in an element; `press` gets the place that was pressed, of one who did not drag. */
export function useView(frame: Ref<Element | null>, plan: () => Size, press: (at: Point) => void): Looking {
  const size = shallowRef<Size>({ width: 0, height: 0 })
  const view = shallowRef<View>({ x: 0, y: 0, scale: 0.1 })
  const isDragging = ref(false)
  const pointers = new Map<number, Point>()
  let isWhole = true
  let moved = 0
  let watching: ResizeObserver | null = null

  function whole(): void {
    const { width, height } = plan()
    view.value = fit({ left: 0, top: 0, right: width, bottom: height }, size.value)
    isWhole = true
  }
  function zoomAt(at: Point, factor: number): void {
    view.value = pan(zoom(view.value, size.value, at, factor, limitsOf(plan(), size.value)), 0, 0, plan())
    isWhole = false
  }
  const middle = (): Point => [size.value.width / 2, size.value.height / 2]
  const closer = (): void => zoomAt(middle(), STEP)
  const farther = (): void => zoomAt(middle(), 1 / STEP)
  function move(dx: number, dy: number): void {
    view.value = pan(view.value, dx, dy, plan())
    isWhole = false
  }
  function show(outline: readonly Point[]): void {
    const [x, y] = middleOf(outline)
    const { most } = limitsOf(plan(), size.value)
    view.value = { x, y, scale: Math.min(most, Math.max(view.value.scale, FOUND_PX / SPACE_CM)) }
    isWhole = false
  }

  function at(event: MouseEvent): Point {
    const box = frame.value!.getBoundingClientRect()
    return [event.clientX - box.left, event.clientY - box.top]
  }
  function pointerdown(event: PointerEvent): void {
    if (event.button !== 0) return
    frame.value!.setPointerCapture(event.pointerId)
    pointers.set(event.pointerId, at(event))
    if (pointers.size === 1) moved = 0
  }
  function pointermove(event: PointerEvent): void {
    const before = pointers.get(event.pointerId)
    if (!before) return
    const now = at(event)
    const [dx, dy] = [now[0] - before[0], now[1] - before[1]]
    moved += Math.hypot(dx, dy)
    if (moved > STILL_PX) isDragging.value = true
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1]
    pointers.set(event.pointerId, now)
    if (other) {
      move(dx / 2, dy / 2)
      const apart = (point: Point): number => Math.max(1, Math.hypot(point[0] - other[0], point[1] - other[1]))
      zoomAt(middleOf([now, other]), apart(now) / apart(before))
    } else if (isDragging.value) move(dx, dy)
  }
  function pointerup(event: PointerEvent): void {
    if (!pointers.delete(event.pointerId) || pointers.size) return
    if (moved <= STILL_PX && event.type === 'pointerup') press(placeAt(view.value, size.value, at(event)))
    isDragging.value = false
  }
  const keys: Record<string, () => void> = {
    '+': closer, '=': closer, '-': farther, '0': whole,
    ArrowLeft: () => move(STEP_PX, 0), ArrowRight: () => move(-STEP_PX, 0), ArrowUp: () => move(0, STEP_PX), ArrowDown: () => move(0, -STEP_PX),
  }
  function keydown(event: KeyboardEvent): void {
    const act = keys[event.key]
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    act()
  }
  function wheel(event: WheelEvent): void {
    event.preventDefault()
    zoomAt(at(event), Math.exp(-Math.max(-120, Math.min(120, event.deltaY)) / 400))
  }

  onMounted(() => {
    watching = new ResizeObserver((entries) => {
      const { width, height } = entries.at(-1)!.contentRect
      size.value = { width, height }
      if (isWhole) whole()
    })
    watching.observe(frame.value!)
  })
  watch(plan, whole)
  onBeforeUnmount(() => watching?.disconnect())
  return { view, size, isDragging, whole, closer, farther, show, on: { wheel, pointerdown, pointermove, pointerup, pointercancel: pointerup, keydown } }
}

