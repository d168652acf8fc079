// The places of the organisation where a contract can be made, by name. Whoever may not list them names them by code.
import type { Schemas } from '@api'
import { computed } from 'vue'
import { useAsking } from '@/asking'
import { useLots } from '@/lots'
import { useSession } from '@/session'
import { nameOf } from '@/texts'

export type Level = Schemas['Level']
export const LEVELS: readonly Level[] = ['platform', 'partner', 'company', 'property', 'lot']
interface Place {
  id: string
  code: string
  name: string
}

export function useNodes() {
  const session = useSession()
  const lots = useLots()
  void lots.know()
  const word = (each: { code: string; name_zh: string; name_en: string }) => nameOf({ zh: each.name_zh, en: each.name_en }) || each.code
  // What a role may not list is no trouble of this page.
  const asking = useAsking(async () => (session.can('organisation.read') ? session.api.get('/v1/organisation') : null))
  const places = computed<Readonly<Record<Level, Place[]>>>(() => {
    const found = asking.data.value
    const of = (list: { id: string; code: string; name_zh: string; name_en: string }[] | undefined): Place[] => (list ?? []).map((each) => ({ id: each.id, code: each.code, name: word(each) }))
    return {
      platform: [], partner: of(found?.partners), company: of(found?.companies), property: of(found?.properties),
      lot: lots.all.map((each) => ({ id: each.id, code: each.code, name: nameOf(each.name) })),
    }
  })
  /** Return the name of a place, empty for the platform, the beginning of its id when it is not known. */
  const nameOfNode = (level: Level, id: string): string => (level === 'platform' ? '' : places.value[level].find((each) => each.id === id)?.name ?? `${id.slice(0, 8)}…`)
  return { places, nameOf: nameOfNode }
}
