// What is entered for a contract with a channel: the same settings as the server checks, in the order of the guide.
import type { Schemas } from '@api'

export type Kind = Schemas['ChannelKind']
export interface Setting {
  name: string
  /** `long`: a key or certificate of several lines. */
  form: 'line' | 'long' | 'choice'
  required?: boolean
  choices?: readonly string[]
}
export interface Settings {
  params: readonly Setting[]
  secrets: readonly Setting[]
}

const line = (name: string, required = false): Setting => ({ name, form: 'line', required })
const long = (name: string, required = false): Setting => ({ name, form: 'long', required })

export const SETTINGS: Readonly<Record<Kind, Settings>> = {
  wechatpay: {
    params: [
      line('appid', true), line('mchid', true), line('serial_no', true), line('public_key_id'), long('public_key'), line('sub_mchid'), line('sub_appid'),
      line('oauth_app_id'), line('oauth_url'), line('url'),
    ],
    secrets: [long('private_key', true), line('api_v3_key', true), line('oauth_secret')],
  },
  alipay: {
    params: [
      line('app_id', true), line('seller_id', true), long('alipay_public_key'), long('app_cert'), long('alipay_cert'), long('alipay_root_cert'),
      { name: 'code_product', form: 'choice', choices: ['FACE_TO_FACE_PAYMENT', 'QR_CODE_OFFLINE'] },
      line('op_app_id'), line('sys_service_provider_id'), line('quit_url'), line('url'),
    ],
    secrets: [long('private_key', true), line('app_auth_token')],
  },
  sandpay: {
    params: [line('url', true), line('merchant', true), long('channel_key', true)],
    secrets: [long('merchant_key', true)],
  },
}
export const KINDS = Object.keys(SETTINGS) as Kind[]

/** What somebody typed, by name of the setting. */
export type Typed = Record<string, string>

/** Return the parameters that are sent: what is empty is left out. Settings this page does not know stay as they were. */
export function paramsOf(kind: Kind, typed: Typed, before: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const known = new Set(SETTINGS[kind].params.map((each) => each.name))
  const kept = Object.entries(before).filter(([name]) => !known.has(name))
  const given = SETTINGS[kind].params.map(({ name }) => [name, (typed[name] ?? '').trim()] as const).filter(([, value]) => value)
  return Object.fromEntries([...kept, ...given])
}

/** Return the secrets that are sent: those that were typed, and an empty one for each that is to be taken away. */
export function secretsOf(kind: Kind, typed: Typed, away: ReadonlySet<string> = new Set()): Record<string, string> {
  const given = SETTINGS[kind].secrets.map(({ name }) => [name, (typed[name] ?? '').trim()] as const).filter(([name, value]) => value && !away.has(name))
  return Object.fromEntries([...given, ...[...away].map((name) => [name, ''] as const)])
}

/** Return which required settings are missing; secrets that the contract has need not be entered again. */
export function missing(kind: Kind, params: Typed, secrets: Typed, has: readonly string[] = []): string[] {
  const empty = (typed: Typed) => (each: Setting) => each.required && !(typed[each.name] ?? '').trim()
  return [
    ...SETTINGS[kind].params.filter(empty(params)),
    ...SETTINGS[kind].secrets.filter((each) => empty(secrets)(each) && !has.includes(each.name)),
  ].map((each) => each.name)
}

/** Return parameters as they are typed. */
export function typedOf(params: Readonly<Record<string, unknown>>): Typed {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]))
}
