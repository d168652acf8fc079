// The tokens of the session. A refresh token is good for one use, so there is one refresh at a time, also over the tabs
// of one browser: what another one brought meanwhile is taken over.
import { Client, Problem, type Schemas } from '@openberth/api'

import { serverAddress, uniTransport } from '@/api/transport'
import { keep, kept } from '@/lib/kept'

const NAME = 'session'
const EARLY_MS = 30_000

interface Kept {
  access: string
  refresh: string
  until: number
}

type Watcher = (signedIn: boolean) => void

const plain = new Client(uniTransport, { base: serverAddress() })
const watchers: Watcher[] = []
let session: Kept | null = kept<Kept>(NAME)
let renewing: Promise<boolean> | null = null

/** Tell somebody whenever signing in or out happened. */
export function whenSessionChanges(watcher: Watcher): void {
  watchers.push(watcher)
}

/** Tell whether somebody is signed in. */
export function isSignedIn(): boolean {
  return session !== null
}

/** Return the access token, null for nobody. */
export function tokenNow(): string | null {
  return session?.access ?? null
}

/** Tell whether the access token is over, or nearly. */
export function isStale(): boolean {
  return session !== null && Date.now() > session.until - EARLY_MS
}

/** Take over the tokens of a sign-in; null signs out on this phone. */
export function setTokens(tokens: Schemas['TokensView'] | null): void {
  session = tokens?.refresh_token
    ? { access: tokens.access_token, refresh: tokens.refresh_token, until: Date.now() + tokens.expires_in * 1000 }
    : null
  keep(NAME, session)
  for (const watcher of watchers) watcher(session !== null)
}

/** Get another access token. True when there is one that is worth a try. */
export function renew(): Promise<boolean> {
  renewing ??= alone(renewed).finally(() => {
    renewing = null
  })
  return renewing
}

async function renewed(): Promise<boolean> {
  const found = kept<Kept>(NAME)
  if (found === null) {
    if (session !== null) setTokens(null)
    return false
  }
  if (session === null || found.refresh !== session.refresh) {
    session = found // another tab was faster
    return true
  }
  try {
    setTokens(await plain.post('/v1/auth/refresh', { body: { refresh_token: found.refresh } }))
    return true
  } catch (failure) {
    // Only the server ends a session; without a network one stays signed in.
    if (failure instanceof Problem && failure.status < 500 && failure.status !== 429) setTokens(null)
    else throw failure
    return false
  }
}

/** Run something while no other tab of this browser does. */
function alone(run: () => Promise<boolean>): Promise<boolean> {
  // #ifdef H5
  if (navigator.locks) return navigator.locks.request('openberth.session', run) as unknown as Promise<boolean>
  // #endif
  return run()
}
