// The contracts that one may see, by name: whoever may not see contracts sees the beginning of their ids.
import type { Schemas } from '@api'
import { computed } from 'vue'
import { useAsking } from '@/asking'
import { useSession } from '@/session'

export type Contract = Schemas['ChannelView']

export function useContracts() {
  const session = useSession()
  const asking = useAsking(async () => (session.can('channel.read') ? (await session.api.get('/v1/channels')).items : []))
  const all = computed<Contract[]>(() => asking.data.value ?? [])
  const nameOfContract = (id: string | null): string => (id === null ? '' : all.value.find((each) => each.id === id)?.name ?? `${id.slice(0, 8)}…`)
  return { ...asking, all, nameOfContract }
}
