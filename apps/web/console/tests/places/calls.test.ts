import { Problem } from '@api'
import { useTexts } from '@shared/texts'
import { flushPromises, mount } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { adviceOn, endpointOf, partsOf, standingOf, type Endpoint } from '@/pages/places/devices/calls'
import EndpointForm from '@/pages/places/devices/EndpointForm.vue'
import type { Device } from '@/pages/places/devices/device'
import { useSession } from '@/session'

const found = (change: Partial<Endpoint> = {}): Endpoint => ({
  id: '1', code: 'cam', kind: 'hikvision', endpoint: 'http://10.0.0.7', addresses: ['10.0.0.0/8'], gate: null, has_login: true, version: 7,
  last_command: null, trouble: null, ...change,
})
const told = (outcome: 'done' | 'unreachable' | 'rejected', detail: string): Endpoint['last_command'] => ({
  id: '2', device: 'cam', lane: 'in', kind: 'open', state: 'ended', outcome, detail, reason: null, passage: null, actor: 'a', issued_at: '', expires_at: '', sent_at: null, ended_at: '',
})

describe('an endpoint', () => {
  it.each(['http://10.0.0.7', 'https://10.0.0.7:8443', 'https://[fd00::1]:8443', 'http://[fd00::1]'])('%s is taken apart and put together', (endpoint) => {
    expect(endpointOf(partsOf(endpoint))).toBe(endpoint)
  })
  it('is nothing without an address, and takes an address of six as one types it', () => {
    expect(endpointOf({ address: ' ', port: 80, tls: true })).toBeNull()
    expect(partsOf(null)).toEqual({ address: '', port: undefined, tls: false })
    expect(endpointOf({ address: ' fd00::1 ', port: undefined, tls: false })).toBe('http://[fd00::1]')
  })
})

describe('how calls fare', () => {
  beforeEach(() => useTexts('en', { 'console.places.call_advice.not_connected': 'check the cable' }))

  it('is told by what stands, then by the last command, and never well without one', () => {
    const trouble = { kind: 'device_login', since: '', text: '' }
    expect(standingOf(found({ has_login: false })).tone).toBe('warn')
    expect(standingOf(found({ trouble, last_command: told('done', 'boom') })).tone).toBe('bad')
    expect(standingOf(found()).tone).toBe('info')
    expect(standingOf(found({ last_command: told('done', 'boom') })).tone).toBe('good')
    expect(standingOf(found({ last_command: told('unreachable', 'not_connected') })).tone).toBe('bad')
  })
  it('comes with advice where there is something to do', () => {
    expect(adviceOn(told('unreachable', 'not_connected'))).toBe('check the cable')
    expect(adviceOn(told('done', 'not_connected'))).toBe('')
    expect(adviceOn(told('rejected', 'never heard of'))).toBe('')
  })
})

describe('the form of a camera', () => {
  const device = { id: '1', code: 'cam', lot_id: 'lot' } as Device
  const asked: [string, unknown][] = []
  let answer: () => unknown = () => found()

  beforeEach(() => {
    useTexts('en', {})
    setActivePinia(createPinia())
    asked.length = 0
    answer = () => found()
  })
  afterEach(() => {
    document.body.innerHTML = ''
  })
  function open(...may: string[]): void {
    const session = useSession()
    vi.spyOn(session, 'can').mockImplementation((...words) => words.some((word) => may.includes(word)))
    const note = (path: string) => async (_: string, how: { body?: unknown }) => {
      asked.push([path, how])
      return answer() as never
    }
    session.api.put = note('put') as never
    session.api.post = note('post') as never
    mount(EndpointForm, { props: { device, found: found(), read: async () => found({ endpoint: 'http://10.0.0.9', version: 8 }) }, attachTo: document.body })
  }
  const field = (name: string): HTMLInputElement => document.querySelector(`[data-testid="${name}"] input, input[data-testid="${name}"]`)!
  async function type(name: string, words: string): Promise<void> {
    field(name).value = words
    field(name).dispatchEvent(new Event('input'))
    await flushPromises()
  }
  const save = (): HTMLButtonElement => document.querySelector('[data-testid="endpoint-save"]')!

  it('says that another address loses the login, and sends both at once with the version that was read', async () => {
    open('lot.write', 'device.credentials')
    await flushPromises()
    expect(field('endpoint-password').value).toBe('')
    expect(save().disabled).toBe(true)
    await type('endpoint-address', '10.0.0.8')
    expect(document.querySelector('[data-testid="loses-login"]')).not.toBeNull()
    await type('endpoint-user', 'admin')
    expect(save().disabled, 'half a login is none').toBe(true)
    await type('endpoint-password', 'x')
    expect(document.querySelector('[data-testid="loses-login"]')).toBeNull()
    save().click()
    await flushPromises()
    expect(asked).toEqual([['put', {
      path: { lot: 'lot', device: 'cam' }, query: { version: 7 }, body: { endpoint: 'http://10.0.0.8', login: { user: 'admin', password: 'x' } },
    }]])
  })

  it('keeps what was typed where somebody else was faster, and shows what stands now', async () => {
    open('lot.write', 'device.credentials')
    await flushPromises()
    await type('endpoint-address', '10.0.0.8')
    answer = () => {
      throw new Problem(409, 'state.changed', 'Somebody was faster.', {}, [])
    }
    save().click()
    await flushPromises()
    expect(document.querySelector('[data-testid="moved-on"]')).not.toBeNull()
    expect(field('endpoint-address').value).toBe('10.0.0.8')
  })

  it('lets whoever may give logins only do that', async () => {
    open('device.credentials')
    await flushPromises()
    expect(field('endpoint-address').disabled).toBe(true)
    await type('endpoint-user', 'admin')
    await type('endpoint-password', 'x')
    save().click()
    await flushPromises()
    expect(asked[0]?.[0]).toBe('post')
    expect(asked[0]?.[1]).toMatchObject({ body: { user: 'admin', password: 'x' } })
  })

  it('asks nobody for a login who may not give it', async () => {
    open('lot.write')
    await flushPromises()
    expect(field('endpoint-password')).toBeNull()
  })
})
