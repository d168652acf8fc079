// The menu: every folder in pages/ announces its pages in an index.ts. What a role may not see is not shown.
import type { Component } from 'vue'
import type { Code } from './texts'

export interface PageDeclaration {
  /** The address after the `#`. */
  path: string
  name: string
  /** Text of menu, heading and window. */
  title: Code
  icon: Component
  /** Any of these permissions shows the page; none: everybody who is signed in sees it. */
  permissions: readonly string[]
  component: () => Promise<unknown>
  /** Reached from other pages only, such as the page of one stay. */
  hidden?: boolean
}
export interface PageGroup {
  order: number
  title: Code
  pages: PageDeclaration[]
}

/** Tell whether somebody who may do these things sees a page. */
export function maySee(page: PageDeclaration, can: (...words: string[]) => boolean): boolean {
  return !page.permissions.length || can(...page.permissions)
}

const found = import.meta.glob<{ default: PageGroup }>('./pages/*/index.ts', { eager: true })
export const groups: readonly PageGroup[] = Object.values(found).map((each) => each.default).sort((a, b) => a.order - b.order)
