import { useTexts } from '@shared/texts'
import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import ConvoyDialog from '@/parts/ConvoyDialog.vue'
import ConvoyTag from '@/parts/ConvoyTag.vue'
import PassbackDialog from '@/parts/PassbackDialog.vue'
import { useSession } from '@/session'

const asked: [string, Record<string, unknown>][] = []
let shown: VueWrapper

beforeEach(() => {
  useTexts('en', { 'console.live.convoy.left': '{length} left' })
  setActivePinia(createPinia())
  asked.length = 0
  useSession().api.post = (async (path: string, how: Record<string, unknown>) => void asked.push([path, how])) as never
})
afterEach(() => {
  shown.unmount()
  document.body.innerHTML = ''
})
const at = (name: string): HTMLElement | null => document.querySelector(`[data-testid="${name}"]`)
const field = (name: string): HTMLInputElement => document.querySelector(`input[data-testid="${name}"], [data-testid="${name}"] input`)!
async function type(name: string, words: string): Promise<void> {
  field(name).value = words
  field(name).dispatchEvent(new Event('input'))
  await flushPromises()
}
async function press(name: string): Promise<void> {
  at(name)!.click()
  await flushPromises()
}
const isBlocked = (): boolean => (at('confirm') as HTMLButtonElement).disabled

describe('a convoy', () => {
  const lane = { code: 'out-1', name: { zh: '', en: 'East' }, kind: 'exit' as const }
  const open = async (until: string | null, kind: 'exit' | 'entry' = 'exit'): Promise<void> => {
    shown = mount(ConvoyDialog, { props: { open: false, lot: 'mall', lane: { ...lane, kind }, until }, attachTo: document.body })
    await shown.setProps({ open: true })
    await flushPromises()
  }

  it('begins for a reason only, and says at an exit that money stays owed', async () => {
    await open(null)
    expect(document.body.textContent).toContain('console.live.convoy.debts')
    expect(isBlocked()).toBe(true)
    await press('confirm')
    expect(asked).toEqual([])
    await type('reason', ' wedding ')
    await press('confirm')
    expect(asked[0]).toMatchObject(['/v1/lots/{lot}/lanes/{lane}/convoy', { path: { lot: 'mall', lane: 'out-1' }, body: { minutes: 15, reason: 'wedding' } }])
    expect(shown.emitted('done')).toHaveLength(1)
  })
  it('says nothing of money at an entry', async () => {
    await open(null, 'entry')
    expect(document.body.textContent).not.toContain('console.live.convoy.debts')
  })
  it('that goes on is ended, or prolonged for a reason', async () => {
    await open('2026-03-02T10:00:00Z')
    expect(at('reason')).toBeNull()
    await press('confirm')
    expect(asked.map((each) => each[0])).toEqual(['/v1/lots/{lot}/lanes/{lane}/convoy/end'])
    await press('prolong')
    await type('reason', 'more cars')
    await press('confirm')
    expect(asked[1]).toMatchObject(['/v1/lots/{lot}/lanes/{lane}/convoy', { body: { reason: 'more cars' } }])
  })
  it('is told of while it lasts', () => {
    shown = mount(ConvoyTag, { props: { until: new Date(Date.now() + 89_800).toISOString() } })
    expect(shown.text()).toContain('1 min 30 s left')
    shown.unmount()
    shown = mount(ConvoyTag, { props: { until: new Date(Date.now() - 1_000).toISOString() } })
    expect(shown.text()).toBe('')
  })
})

describe('who is inside', () => {
  const open = async (): Promise<void> => {
    shown = mount(PassbackDialog, { props: { open: false, lot: 'mall', lotName: 'Mall' }, attachTo: document.body })
    await shown.setProps({ open: true })
    await flushPromises()
  }
  const choose = async (name: string): Promise<void> => {
    field(name).click()
    await flushPromises()
  }

  it('is reset for one car by its whole plate', async () => {
    await open()
    await type('reason', 'towed')
    expect(isBlocked(), 'no plate yet').toBe(true)
    await type('reset-plate', ' 粤B12345 ')
    await press('confirm')
    expect(asked[0]).toMatchObject(['/v1/lots/{lot}/passback-resets', { path: { lot: 'mall' }, body: { plate: '粤B12345', reason: 'towed' } }])
  })
  it('is reset for kinds that are named, never for all by leaving them out', async () => {
    await open()
    await type('reason', 'power')
    await choose('whose-rights')
    expect(isBlocked()).toBe(true)
    await choose('right-monthly')
    await press('confirm')
    expect(asked[0]?.[1]['body']).toEqual({ rights: ['monthly'], reason: 'power' })
  })
  it('is reset for all where somebody says so', async () => {
    await open()
    await type('reason', 'power')
    await choose('whose-all')
    await press('confirm')
    expect(asked[0]?.[1]['body']).toEqual({ reason: 'power' })
  })
})
