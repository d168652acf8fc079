import { Problem } from '@api'
import { useTexts } from '@shared/texts'
import { flushPromises, mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import SettingForm from '@/pages/system/settings/SettingForm.vue'
import type { Setting } from '@/pages/system/settings/chain'
import { useSeen } from '@/seen'
import { useSession } from '@/session'

const changed = () => new Problem(409, 'state.changed', 'Somebody was faster.', {}, [])
const refusing = (error: unknown) => () => Promise.reject(error as Error)

describe('what a form rests on', () => {
  it('is the version that was read, 0 where nothing stood', async () => {
    expect(await useSeen({ version: 7 }, async () => null).resting(async (version) => version)).toBe(7)
    expect(await useSeen(null, async () => null).resting(async (version) => version)).toBe(0)
  })

  it('is what stands now only once somebody went on from it', async () => {
    const seen = useSeen<{ version: number }>({ version: 7 }, async () => ({ version: 9 }))
    await expect(seen.resting(refusing(changed()))).rejects.toThrow('faster')
    expect([seen.isMovedOn.value, seen.newer.value]).toEqual([true, { version: 9 }])
    expect(await seen.resting(async (version) => version)).toBe(7)
    seen.goOn()
    expect([seen.isMovedOn.value, await seen.resting(async (version) => version)]).toEqual([false, 9])
  })

  it('stays for every other refusal, and when it cannot be read anew', async () => {
    const read = vi.fn(refusing(new Error('no network')))
    const seen = useSeen({ version: 7 }, read)
    await expect(seen.resting(refusing(new Problem(409, 'role.in_use', 'In use.', {}, [])))).rejects.toThrow('In use')
    expect(read).not.toHaveBeenCalled()
    await expect(seen.resting(refusing(changed()))).rejects.toThrow('faster')
    expect(seen.isMovedOn.value).toBe(false)
  })
})

describe('the form of a setting', () => {
  const setting: Setting = {
    key: 'retention.pictures_days', text: 'Pictures', value: 60, default: 60, levels: ['platform'], source: null, locked_by: null, own: null, own_locked: false, version: 0, overruled: false, least: 1, most: 999, words: [],
  }
  const theirs: Setting = { ...setting, own: 90, value: 90, source: 'platform', version: 5 }
  const put = vi.fn()
  const at = (id: string) => document.querySelector<HTMLElement>(`[data-testid="${id}"]`)
  const value = () => document.querySelector<HTMLInputElement>('[data-testid="setting-value"] input')
  async function press(id: string): Promise<void> {
    at(id)!.click()
    await flushPromises()
  }

  beforeEach(async () => {
    document.body.innerHTML = ''
    useTexts('en', { 'console.moved.now': 'It is now: {value}' })
    setActivePinia(createPinia())
    put.mockReset().mockRejectedValueOnce(changed()).mockResolvedValue({})
    Object.assign(useSession(), { api: { put, get: async () => ({ items: [theirs] }) } })
    mount(SettingForm, { props: { setting, place: null }, attachTo: document.body })
    await flushPromises()
    value()!.value = '30'
    value()!.dispatchEvent(new Event('change'))
    await flushPromises()
    await press('setting-save')
  })

  it('tells what stands now, keeps what was typed and saves it only when that is wanted', async () => {
    expect(at('moved-on')!.textContent).toContain('It is now: 90')
    expect(value()!.value).toBe('30')
    await press('setting-save')
    expect(put).toHaveBeenCalledTimes(1)
    await press('keep-mine')
    await press('setting-save')
    expect(put.mock.calls.map(([, init]) => [init.query.version, init.body.value])).toEqual([[0, 30], [5, 30]])
  })

  it('takes what stands now', async () => {
    await press('read-anew')
    expect([at('moved-on'), value()!.value]).toEqual([null, '90'])
  })
})
