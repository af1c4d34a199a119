import { describe, expect, it } from 'vitest'
import { AnsiFilter, plainOutput } from '@/composables/ansi'

const ESC = '\u001b'
const filter = (text: string) => new AnsiFilter().push(text)

describe('AnsiFilter', () => {
  it('lets colours, erasing and movement through', () => {
    const text = `a${ESC}[1;31mred${ESC}[0m\r${ESC}[K10 %\n${ESC}[2A\tx`
    expect(filter(text)).toBe(text)
  })

  it.each([
    ['a title', `${ESC}]0;evil\u0007`],
    ['a title ended by ESC \\', `${ESC}]2;evil${ESC}\\`],
    ['a link', `${ESC}]8;;http://evil.example${ESC}\\`],
    ['the clipboard', `${ESC}]52;c;ZXZpbA==\u0007`],
    ['device control', `${ESC}P+q544e${ESC}\\`],
    ['an application command', `${ESC}_x${ESC}\\`],
    ['a private message', `${ESC}^x${ESC}\\`],
    ['a query of the terminal', `${ESC}[c`],
    ['a private mode', `${ESC}[?1049h`],
    ['a report of the cursor', `${ESC}[6n`],
    ['a reset', `${ESC}c`],
    ['another character set', `${ESC}(0`],
    ['8-bit OSC', '\u009d0;evil\u009c'],
    ['8-bit CSI query', '\u009b6n'],
    ['8-bit DCS', '\u0090q\u009c'],
    ['bells and nulls', '\u0007\u0000\u000e\u007f\u0084'],
  ])('takes %s out', (_what, text) => {
    expect(filter(`a${text}b`)).toBe('ab')
  })

  it('marks what turns the direction of text', () => {
    expect(filter('a\u202eb\u2066c')).toBe('a\u25a1b\u25a1c')
  })

  it('gives the same for any cut', () => {
    const text = `x${ESC}[1;31my${ESC}]0;title${ESC}\\z${ESC}[?25l${ESC}]52;c;QQ==\u0007w${ESC}[0m`
    const whole = filter(text)
    for (let i = 0; i <= text.length; i += 1) {
      const parts = new AnsiFilter()
      expect(parts.push(text.slice(0, i)) + parts.push(text.slice(i))).toBe(whole)
    }
  })

  it('does not wait for the end of a sequence without one', () => {
    expect(filter(`${ESC}[${'1;'.repeat(100)}mtext`)).toContain('text')
    expect(filter(`${ESC}[12\u0007text`)).toBe('text')
  })
})

describe('plainOutput', () => {
  it('has no sequence left', () => {
    expect(plainOutput(`${ESC}[31mred${ESC}[0m ${ESC}]0;t\u0007ok\n`)).toBe('red ok\n')
  })
})
