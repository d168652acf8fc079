// The keys of the lane desk, as they are printed on its buttons.
export type DeskDeed = 'cash' | 'code' | 'slip' | 'plate' | 'open' | 'text' | 'convoy' | 'default' | 'back' | 'up' | 'down' | { candidate: number }
export interface Pressed {
  key: string
  /** Something is typed into a field. */
  inField: boolean
  /** A dialog is open: its own keys count. */
  inDialog: boolean
  /** A button or link has the focus: Enter presses it. The lane that is looked at already is none. */
  onButton: boolean
  withModifier: boolean
}

const FUNCTION_KEYS: Readonly<Record<string, DeskDeed>> = { F1: 'cash', F2: 'code', F3: 'slip', F4: 'plate', F5: 'open', F6: 'text', F7: 'convoy' }
const PLAIN_KEYS: Readonly<Record<string, DeskDeed>> = { ArrowUp: 'up', ArrowDown: 'down', Escape: 'back', Enter: 'default' }

/** Return what a key means, null when it means nothing to the desk. */
export function deedOf(pressed: Pressed): DeskDeed | null {
  if (pressed.inDialog || pressed.withModifier) return null
  const deed = FUNCTION_KEYS[pressed.key]
  if (deed) return deed
  if (pressed.inField) return null
  if (/^[1-9]$/.test(pressed.key)) return { candidate: Number(pressed.key) - 1 }
  if (pressed.key === 'Enter' && pressed.onButton) return null
  return PLAIN_KEYS[pressed.key] ?? null
}

/** Return a key event as the desk sees it. */
export function pressedOf(event: KeyboardEvent): Pressed {
  const target = event.target instanceof HTMLElement ? event.target : null
  return {
    key: event.key,
    inField: target !== null && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName)),
    inDialog: document.querySelector('.el-overlay:not([style*="display: none"]) [role="dialog"]') !== null,
    onButton: target !== null && target.closest('button:not([aria-current]), a, [role="button"]') !== null,
    withModifier: event.ctrlKey || event.altKey || event.metaKey,
  }
}
