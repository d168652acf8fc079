// How we call a camera: its address in parts, as one types it, and what is said of how the calls fare. Pure.
import type { Schemas } from '@api'
import type { Tone } from '@/parts/StateTag.vue'
import { hasText, t } from '@/texts'
import { OUTCOME_TONES } from '../words'

export type Endpoint = Schemas['DeviceEndpointView']
export interface Parts {
  address: string
  port: number | undefined
  tls: boolean
}
const SHAPE = /^(https?):\/\/(\[[0-9a-f:.]+\]|[0-9.]+)(?::(\d+))?\/?$/i

/** Take an endpoint apart; an empty form for none. */
export function partsOf(endpoint: string | null): Parts {
  const found = SHAPE.exec(endpoint ?? '')
  if (!found) return { address: '', port: undefined, tls: false }
  return { address: found[2]!.replace(/^\[|\]$/g, ''), port: found[3] ? Number(found[3]) : undefined, tls: found[1]!.toLowerCase() === 'https' }
}

/** Put an endpoint together; null for no address. The server says what is wrong with one that is none. */
export function endpointOf({ address, port, tls }: Parts): string | null {
  const host = address.trim()
  if (!host) return null
  return `${tls ? 'https' : 'http'}://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}${port ? `:${port}` : ''}`
}

/** How the calls to a camera fare, in a word. */
export function standingOf(found: Endpoint): { tone: Tone; text: string } {
  if (!found.endpoint || !found.has_login) return { tone: 'warn', text: t('console.places.calls.none') }
  if (found.trouble) return { tone: 'bad', text: t('console.places.calls.failing') }
  const outcome = found.last_command?.outcome
  if (!outcome) return { tone: 'info', text: t('console.places.calls.untried') }
  return { tone: OUTCOME_TONES[outcome], text: t('console.places.calls.last_was', { outcome: t(`console.places.outcome.${outcome}`) }) }
}

/** What to do about the last command that was not done; empty where there is nothing to do. */
export function adviceOn(command: Endpoint['last_command']): string {
  if (!command || command.outcome === 'done' || !command.detail) return ''
  const code = `console.places.call_advice.${command.detail}`
  return hasText(code) ? t(code as Parameters<typeof t>[0]) : ''
}
