// Roles: the built-in ones, and the own ones of the company that is looked at.
import type { Schemas } from '@api'
import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'
import { useSession } from '@/session'
import { said } from '@/texts'

type Role = Schemas['RoleView']

export const useRoles = defineStore('roles', () => {
  const session = useSession()
  const all = shallowRef<Role[]>([])
  const words = shallowRef<Schemas['PermissionView'][]>([])
  const error = shallowRef<unknown>(null)
  const isKnown = ref(false)

  /** Ask for the roles that may be given in a company (its code); null: the built-in ones. */
  async function know(company: string | null): Promise<void> {
    if (!session.can('role.read')) return
    try {
      const found = await session.api.get('/v1/roles', { query: { company: company ?? undefined } })
      all.value = found.items
      words.value = found.permissions
      error.value = null
      isKnown.value = true
    } catch (reason) {
      error.value = reason
    }
  }

  function byCode(code: string): Role | null {
    return all.value.find((role) => role.code === code) ?? null
  }

  function nameOfRole(code: string): string {
    return byCode(code)?.name ?? said('role', code)
  }

  return { all, words, error, isKnown, know, byCode, nameOfRole }
})
