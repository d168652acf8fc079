import { defineStore } from 'pinia'
import { ref } from 'vue'

import { api, open } from '@/api/client'
import { isSignedIn, setTokens, whenSessionChanges } from '@/api/tokens'
import { forgetLoaded } from '@/lib/loading'
import { forgetPass } from '@/lib/passes'
import { remember } from '@/lib/paying'
import { forgetTyped } from '@/lib/plates'

const TERMS = 'app-2026-11' // the version of the words that one agrees to

/** Who uses the app: a driver who signed in, or somebody before a sign. */
export const useSession = defineStore('session', () => {
  const signedIn = ref(isSignedIn())
  const unread = ref(0)

  whenSessionChanges((now) => {
    signedIn.value = now
    if (!now) {
      unread.value = 0
      forgetLoaded()
      forgetTyped()
    }
  })

  /** Count the messages that were not read; without a network the number of before stays. */
  async function look(): Promise<void> {
    if (!signedIn.value) return
    try {
      unread.value = (await api.get('/v1/auth/me')).unread_notices
    } catch {
      // the pages say what does not work
    }
  }

  /** Keep what was agreed to; that it is kept is no condition of using the app. */
  async function agree(): Promise<void> {
    for (const purpose of ['privacy_policy', 'phone'] as const) {
      await api.post('/v1/me/consents', { body: { purpose, document: TERMS, given: true, channel: 'app' } }).catch(() => undefined)
    }
  }

  async function withWechat(loginCode: string, phoneCode: string): Promise<void> {
    setTokens(await open.post('/v1/auth/wechat', { body: { login_code: loginCode, phone_code: phoneCode } }))
    void agree()
  }

  async function withPhone(phone: string, code: string): Promise<void> {
    setTokens(await open.post('/v1/auth/phone', { body: { phone, code } }))
    void agree()
  }

  async function signOut(everywhere: boolean): Promise<void> {
    try {
      await api.post('/v1/auth/sign-out', { body: { everywhere } })
    } finally {
      leave()
    }
  }

  /**
   * Be nobody on this phone. Whoever takes it next holds no pass and follows no payment; a session that only ran out
   * leaves the pass, which is the driver's key to the stay.
   */
  function leave(): void {
    setTokens(null)
    forgetPass()
    remember(null)
  }

  return { signedIn, unread, look, withWechat, withPhone, signOut, leave }
})
