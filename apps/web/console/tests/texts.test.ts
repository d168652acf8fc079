import { describe, expect, it } from 'vitest'
import { filled, textOf, useTexts } from '@shared/texts'

describe('texts', () => {
  it('fills places, and words for one or for more', () => {
    expect(filled('{name}: {count:car|cars}', { name: 'A', count: 1 })).toBe('A: 1 car')
    expect(filled('{name}: {count:car|cars}', { name: 'A', count: 2 })).toBe('A: 2 cars')
    expect(filled('{missing}', {})).toBe('{missing}')
  })

  it('shows a code that it does not know', () => {
    useTexts('en', { 'a.b': 'known' })
    expect(textOf('a.b')).toBe('known')
    expect(textOf('a.c')).toBe('a.c')
  })
})
