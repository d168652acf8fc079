// The tree of partners, companies, properties and lots, as far as somebody may see it: for names, and for choosing.
import type { Schemas } from '@api'
import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import { useSession } from './session'
import { shortId } from './ids'
import { nameOf, t } from './texts'
import { treeOf, walk, type Level, type Place } from './tree'

export const usePlaces = defineStore('places', () => {
  const session = useSession()
  const answer = shallowRef<Schemas['OrganisationView'] | null>(null)
  const error = shallowRef<unknown>(null)
  const loading = ref(false)
  const tree = computed<Place[]>(() => (answer.value ? treeOf(answer.value) : []))
  const all = computed<Place[]>(() => [...walk(tree.value)])
  let knownOf: string | null = null

  /** Ask for the tree, once for where one acts; again when told to. Without the permission there is none. */
  async function know(again = false): Promise<void> {
    const acting = session.company ?? ''
    if (!session.can('organisation.read') || (!again && knownOf === acting && answer.value)) return
    loading.value = true
    try {
      answer.value = await session.api.get('/v1/organisation')
      knownOf = acting
      error.value = null
    } catch (reason) {
      error.value = reason
    } finally {
      loading.value = false
    }
  }

  function byId(id: string | null | undefined): Place | null {
    return all.value.find((place) => place.id === id) ?? null
  }

  /** Return the place that a key such as `company:demo` or, of properties, `property:demo/garden` names. */
  function byKey(key: string | null | undefined): Place | null {
    return all.value.find((place) => place.key === key) ?? null
  }

  function nameOfPlace(place: Place | null): string {
    return place ? nameOf(place.name) : ''
  }

  /** Return a level and the name of a node: `Company · Harbour`; the end of the id where the name is not known. */
  function words(level: Level, node: string | null): string {
    const title = t(`console.level.${level}`)
    if (level === 'platform' || !node) return title
    return `${title} · ${nameOfPlace(byId(node)) || shortId(node)}`
  }

  return { answer, tree, all, error, loading, know, byId, byKey, nameOfPlace, words }
})
