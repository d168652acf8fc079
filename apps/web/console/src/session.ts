// Who is signed in, what it may do and where it acts. The access token lives in memory only; the refresh token is good
// for one use, so tabs take turns with it.
import { Client, Problem, type Schemas } from '@api'
import { defineStore } from 'pinia'
import { computed, markRaw, ref } from 'vue'
import { language } from '@shared/texts'
import { fetchTransport } from './transport'

type Me = Schemas['MeView']
const REFRESH = 'openberth.refresh'
const COMPANY = 'openberth.company'
const LOCK = 'openberth.refresh'

const plain = new Client(fetchTransport, { language: () => language.value })

export const useSession = defineStore('session', () => {
  const access = ref<string | null>(null)
  const me = ref<Me | null>(null)
  const login = ref(localStorage.getItem('openberth.login') ?? '')
  const company = ref<string | null>(localStorage.getItem(COMPANY))
  const permissions = computed(() => new Set(me.value?.permissions ?? []))
  const isSignedIn = computed(() => me.value !== null)
  /** Set when somebody has to prove once more who it is; the dialog of the shell watches it. */
  const proof = ref<{ minutes: number; done: (given: boolean) => void } | null>(null)
  let renewing: Promise<boolean> | null = null

  const api = markRaw(new Client(fetchTransport, {
    language: () => language.value, token: () => access.value, company: () => company.value, renew, confirm,
  }))

  /** Tell whether one may do something where one acts now; several words: any of them. */
  function can(...words: string[]): boolean {
    return words.some((word) => permissions.value.has(word))
  }

  async function signIn(name: string, password: string, code: string | null): Promise<void> {
    const tokens = await plain.post('/v1/auth/sign-in', { body: { login: name, password, code } })
    localStorage.setItem('openberth.login', name)
    login.value = name
    actIn(null)
    take(tokens)
    await look()
  }

  function take(tokens: Schemas['TokensView']): void {
    access.value = tokens.access_token
    if (tokens.refresh_token) localStorage.setItem(REFRESH, tokens.refresh_token)
  }

  /** Get another access token; only one tab and one call at a time. False when one has to sign in. */
  async function renew(): Promise<boolean> {
    // The types of locks say a promise of a promise; what comes is what the callback's promise gives.
    renewing ??= (async (): Promise<boolean> => await navigator.locks.request(LOCK, renewOnce))().finally(() => (renewing = null))
    return renewing
  }

  async function renewOnce(): Promise<boolean> {
    const refresh = localStorage.getItem(REFRESH)
    if (!refresh) return false
    try {
      take(await plain.post('/v1/auth/refresh', { body: { refresh_token: refresh } }))
      return true
    } catch (error) {
      if (!(error instanceof Problem) || error.status >= 500) throw error
      forget()
      return false
    }
  }

  /** Find out who is signed in from before. False when nobody is. */
  async function resume(): Promise<boolean> {
    if (me.value) return true
    if (!(await renew())) return false
    await look()
    return true
  }

  /** Ask who one is. A company from before that one may act in no more is let go. */
  async function look(): Promise<void> {
    try {
      me.value = await api.get('/v1/auth/me')
    } catch (error) {
      if (!company.value || !(error instanceof Problem) || error.status === 401) throw error
      actIn(null)
      me.value = await api.get('/v1/auth/me')
    }
    if (!company.value && !me.value.company && !me.value.permissions.length) {
      // Whoever has grants in several companies acts in one of them; the first will do until another is chosen.
      const first = me.value.grants.find((grant) => grant.company)?.company
      if (first) {
        actIn(first)
        me.value = await api.get('/v1/auth/me')
      }
    }
  }

  /** Act in a company or partner from now on; null for one's own. */
  function actIn(next: string | null): void {
    company.value = next
    if (next) localStorage.setItem(COMPANY, next)
    else localStorage.removeItem(COMPANY)
  }

  function confirm(problem: Problem): Promise<boolean> {
    return new Promise((done) => (proof.value = { minutes: Number(problem.params['minutes'] ?? 15), done }))
  }

  /** Prove who one is, for the next minutes. Raises `Problem` when it was wrong. */
  async function prove(shown: { password?: string; code?: string }): Promise<void> {
    await api.post('/v1/auth/confirm', { body: shown })
    proof.value?.done(true)
    proof.value = null
  }

  function refuseProof(): void {
    proof.value?.done(false)
    proof.value = null
  }

  async function signOut(everywhere = false): Promise<void> {
    localStorage.removeItem(REFRESH) // first: whoever loses its session meanwhile does not try to go on with it
    try {
      await api.post('/v1/auth/sign-out', { body: { everywhere } })
    } finally {
      forget()
    }
  }

  function forget(): void {
    localStorage.removeItem(REFRESH)
    access.value = null
    me.value = null
  }

  return {
    access, api, me, login, company, permissions, isSignedIn, proof, can, signIn, resume, renew, look, actIn, prove,
    refuseProof, signOut,
  }
})
