// What is opened beside a list stands in the address: it can be sent to somebody, and the back button closes it.
import { computed, type ComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'

export interface Opened {
  id: ComputedRef<string | null>
  open: (id: string) => void
  close: () => void
}

/** Keep the id of what is opened under a name of the address. */
export function useOpened(name: string): Opened {
  const route = useRoute()
  const router = useRouter()
  const id = computed(() => {
    const value = route.query[name]
    return typeof value === 'string' && value ? value : null
  })
  return {
    id,
    open: (next) => void router.push({ query: { ...route.query, [name]: next } }),
    close: () => void router.replace({ query: { ...route.query, [name]: undefined } }),
  }
}
