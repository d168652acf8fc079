// A tariff as it is worked on: the text, what the server says of it, and the draft that it is kept as.
import type { Client, Schemas } from '@api'
import { computed, ref, shallowRef } from 'vue'
import { useChecking } from '@/checking'

type Check = Schemas['openberth__contexts__tariffs__api__views__CheckView']
type Draft = Schemas['DraftView']

/** Return the file that a new tariff begins as. */
export function beginning(code: string, company: string): string {
  return [
    'tariff: openberth/1', `code: ${code}`, `company: ${company}`, `name: {zh: ${code}, en: ${code}}`, 'currency: CNY',
    'free: {minutes: 15, mode: threshold}', 'charge: {unit_minutes: 60, price: "5.00", rounding: up}', 'caps: [{kind: rolling_24h, amount: "40.00"}]', '',
  ].join('\n')
}

/** Tell whether a tariff was ever published. */
async function isThere(api: Client, code: string): Promise<boolean> {
  return (await versionsOf(api)).some((each) => each.code === code)
}

/** Return all versions of all tariffs. */
export async function versionsOf(api: Client): Promise<Schemas['VersionView'][]> {
  const found: Schemas['VersionView'][] = []
  let cursor: string | undefined
  do {
    const page = await api.get('/v1/tariffs', { query: { limit: 200, cursor } })
    found.push(...page.items)
    cursor = page.next ?? undefined
  } while (cursor)
  return found
}

/** Return the code of a company whose tariffs one sees; empty when there is none. */
async function someCompany(api: Client): Promise<string> {
  return (await api.get('/v1/tariffs', { query: { limit: 1 } })).items[0]?.company ?? ''
}

export function useEditing(api: Client, code: string) {
  const text = ref('')
  const saved = ref('')
  const draft = shallowRef<Draft | null>(null)
  const tariff = shallowRef<Schemas['TariffView'] | null>(null)
  const isChanged = computed(() => text.value !== saved.value)
  const { check, mistakes, trouble, checking, isSound, look } = useChecking(text, async (document) => (
    JSON.parse(await api.text('POST', '/v1/tariffs/check', { document })) as Check
  ))

  /** Read the draft, else what holds, else begin a new file. */
  async function open(): Promise<void> {
    const path = { code }
    const [drafts, isPublished] = await Promise.all([api.get('/v1/tariff-drafts'), isThere(api, code)])
    ;[tariff.value, draft.value] = await Promise.all([
      isPublished ? api.get('/v1/tariffs/{code}', { path }) : null,
      drafts.items.some((each) => each.code === code) ? api.get('/v1/tariffs/{code}/draft', { path }) : null,
    ])
    if (draft.value) text.value = draft.value.text
    else if (tariff.value) text.value = (await api.get('/v1/tariffs/{code}/versions/{number}', { path: { code, number: tariff.value.number } })).text
    else text.value = beginning(code, await someCompany(api))
    saved.value = text.value
    await look()
  }

  /** Keep the text as the draft; somebody else's newer draft is not written over (409). */
  async function save(): Promise<void> {
    const version = draft.value?.version ?? 0
    const answer = await api.text('PUT', '/v1/tariffs/{code}/draft', { path: { code }, query: { version }, document: text.value })
    draft.value = JSON.parse(answer) as Draft
    saved.value = text.value
  }

  async function drop(): Promise<void> {
    await api.delete('/v1/tariffs/{code}/draft', { path: { code }, query: { version: draft.value?.version } })
    await open()
  }

  async function publish(key: string, from: string | null, until: string | null): Promise<Schemas['PublishedView']> {
    if (isChanged.value || !draft.value) await save()
    const body = { version: draft.value?.version, valid_from: from, valid_until: until }
    const published = await api.post('/v1/tariffs/{code}/draft/publish', { path: { code }, body, idempotencyKey: key })
    await open()
    return published
  }

  return { text, draft, tariff, check, mistakes, trouble, checking, isChanged, isSound, open, save, drop, publish }
}
export type Editing = ReturnType<typeof useEditing>
