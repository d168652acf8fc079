// The file of a lot as it is worked on: the version that was read, what the server says of the text, and applying it.
import { Problem, type Client, type Schemas } from '@api'
import { computed, ref } from 'vue'
import { useChecking } from '@/checking'

type Check = Schemas['CheckedView']
type Applied = Schemas['AppliedView']

/** Work on the file of a lot; `first` is the text of one that is not there yet. */
export function useLotFile(api: Client, code: string, first: string | null) {
  const text = ref('')
  const saved = ref('')
  const version = ref<string | null>(null)
  const wasRefused = ref(false)
  const path = { code }
  const isChanged = computed(() => text.value !== saved.value)
  const checked = useChecking(text, async (document) => JSON.parse(await api.text('POST', '/v1/lots/{code}/check', { path, document })) as Check)
  const { check } = checked
  /** Somebody changed the lot after it was read, or a new one has come to stand there. */
  const isMovedOn = computed(() => wasRefused.value || (check.value !== null && check.value.version !== version.value))

  /** Read what stands; what was written is let go. */
  async function open(): Promise<void> {
    if (first === null) {
      const read = await api.document('/v1/lots/{lot}/document', { path: { lot: code } })
      ;[text.value, saved.value, version.value] = [read.text, read.text, read.version]
    } else text.value = first
    wasRefused.value = false
    await checked.look()
  }

  /** Keep what was written, to be applied on top of what stands now: the changes say what that undoes. */
  async function keep(): Promise<void> {
    await checked.look()
    if (!check.value) return
    version.value = check.value.version
    wasRefused.value = false
  }

  /** Apply it, only if nobody was faster. Raises `Problem`, also for that. */
  async function apply(): Promise<Applied> {
    try {
      const answer = await api.text('PUT', '/v1/lots/{code}', { path, query: { version: version.value ?? undefined }, document: text.value })
      return JSON.parse(answer) as Applied
    } catch (error) {
      wasRefused.value = error instanceof Problem && error.code === 'lot.moved_on'
      throw error
    }
  }

  return { text, version, isChanged, isMovedOn, open, keep, apply, ...checked }
}
