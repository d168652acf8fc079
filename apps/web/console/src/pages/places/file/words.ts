// What applying a lot file does, in words.
import type { Schemas } from '@api'
import type { Tone } from '@/parts/StateTag.vue'
import { listed, said, t } from '@/texts'

type Check = Pick<Schemas['CheckedView'], 'created' | 'fields' | 'counts' | 'changes'>
type Change = Check['changes'][number]
type Action = Change['action']
export interface Told {
  tone: Tone
  /** What happens, such as "Added". */
  deed: string
  text: string
}
const TONES: Record<Action, Tone> = { added: 'good', changed: 'info', retired: 'warn' }

const thing = (kind: string, code: string): string => `${said('console.places.thing', kind)} ${code}`
/** Return names of fields; both names of a thing are one to people. */
function fieldsOf(fields: readonly string[]): string {
  return listed([...new Set(fields.map((each) => said('console.places.field', each)))])
}

/** Tell every change; things that the server only counts, such as spaces, stand at the end by their number. */
export function changesTold(check: Check): Told[] {
  const told: Told[] = []
  if (check.created) told.push({ tone: 'good', deed: t('console.places.change.added'), text: t('console.places.change.lot') })
  if (check.fields.length) told.push({ tone: TONES.changed, deed: t('console.places.change.changed'), text: t('console.places.change.of', { thing: t('console.places.change.lot'), fields: fieldsOf(check.fields) }) })
  for (const each of check.changes) {
    const what = thing(each.kind, each.code)
    told.push({ tone: TONES[each.action], deed: t(`console.places.change.${each.action}`), text: each.fields.length ? t('console.places.change.of', { thing: what, fields: fieldsOf(each.fields) }) : what })
  }
  for (const [name, count] of Object.entries(check.counts)) {
    const [kind, action] = name.split('.') as [Change['kind'], Action]
    const untold = count - check.changes.filter((each) => each.kind === kind && each.action === action).length
    if (untold > 0) told.push({ tone: TONES[action], deed: t(`console.places.change.${action}`), text: t(`console.places.count.${kind}`, { count: untold }) })
  }
  // What goes comes first: it is what somebody should look at twice.
  return told.sort((a, b) => Number(b.tone === TONES.retired) - Number(a.tone === TONES.retired))
}

/** Return how many things are retired. */
export function retiredIn(check: Check): number {
  return Object.entries(check.counts).reduce((sum, [name, count]) => sum + (name.endsWith('.retired') ? count : 0), 0)
}
