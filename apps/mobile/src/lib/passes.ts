// Passes of cars without a readable plate: the key to their stay, kept on the phone that asked for it.
import { keep, kept } from '@/lib/kept'

const PASS = 'pass'
const CLAIM = 'claim'
const CLAIM_MS = 10 * 60_000
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const CLAIM_LENGTH = 32

/** Return the pass that this phone was given last. */
export function passHere(): string | null {
  return kept<string>(PASS)
}

export function keepPass(pass: string): void {
  keep(PASS, pass)
}

/** Forget the pass and what was shown to get it. */
export function forgetPass(): void {
  keep(PASS, null)
  keep(CLAIM, null)
}

/** Return what this phone shows to be the one that asked at a lane; the same for ten minutes, in case an answer is lost. */
export function claimAt(code: string): string {
  const before = kept<{ code: string; claim: string; at: number }>(CLAIM)
  if (before && before.code === code && Date.now() - before.at < CLAIM_MS) return before.claim
  const claim = Array.from({ length: CLAIM_LENGTH }, () => LETTERS[randomBelow(LETTERS.length)]).join('')
  keep(CLAIM, { code, claim, at: Date.now() })
  return claim
}

function randomBelow(most: number): number {
  // #ifdef H5
  return crypto.getRandomValues(new Uint32Array(1))[0]! % most
  // #endif
  // #ifndef H5
  return Math.floor(Math.random() * most)
  // #endif
}
