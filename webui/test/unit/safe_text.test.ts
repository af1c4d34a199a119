import { describe, expect, it } from 'vitest'
import { cut, safePieces, safeString, withoutPiles } from '@/composables/safeText'

const shown = (text: string, lines = false) =>
  safePieces(text, lines)
    .map((p) => p.text)
    .join('')

describe('safePieces', () => {
  it('leaves readable text alone, of any script', () => {
    for (const text of ['plain <b>text</b>', 'Köln 北京 مرحبا שלום', '👍 ok', 'é̂'])
      expect(safePieces(text)).toEqual([{ text }])
    expect(safePieces('')).toEqual([])
  })

  it('marks control characters, overrides of direction and what looks like nothing', () => {
    const codes = [0, 7, 0x1b, 0x7f, 0x85, 0xad, 0x61c, 0x200b, 0x200e, 0x202a, 0x202e, 0x2028]
    codes.push(0x2066, 0x2069, 0x2800, 0x3164, 0xfeff, 0xffa0, 0xe0041, 0xffff)
    for (const code of codes) {
      const [piece, ...more] = safePieces(String.fromCodePoint(code))
      expect(more).toEqual([])
      expect(piece?.code).toBe(`U+${code.toString(16).toUpperCase().padStart(4, '0')}`)
      expect(piece?.text).not.toContain(String.fromCodePoint(code))
    }
    expect(safePieces('\ud800')[0]?.code).toBe('U+D800')
    expect(shown('a\u202egpj.exe')).toBe('a\u25a1gpj.exe')
  })

  it('keeps lines where the text has a block of its own', () => {
    expect(shown('a\nb\tc', true)).toBe('a\nb\tc')
    expect(shown('a\nb')).toBe('a\u240ab')
  })
})

describe('safeString, cut, withoutPiles', () => {
  it('cuts, but no character in two', () => {
    expect(safeString('abcdef', 3)).toBe('abc…')
    expect(cut('a👍b', 2)).toBe('a')
    expect(cut('a👍b', 3)).toBe('a👍')
  })

  it('takes piles of combining characters off', () => {
    expect(withoutPiles(`a${'\u0301'.repeat(50)}b`)).toBe(`a${'\u0301'.repeat(4)}b`)
  })
})
