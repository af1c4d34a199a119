// What programs print, made harmless for a terminal: colours, erasing and moving the cursor stay;
// everything else that a terminal would obey (titles, links, the clipboard, device control, queries)
// and characters that turn the direction of text are taken out. Works on pieces: a sequence may be
// cut anywhere.

const ESC = '\u001b'
const BEL = '\u0007'
// Final letters of control sequences that pass: m colours, K J erase, A–D G H f move.
const PASS = new Set(['m', 'K', 'J', 'A', 'B', 'C', 'D', 'G', 'H', 'f'])
const CSI_MAX = 64
const DIRECTION = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/
const PLAIN_CONTROLS = new Set(['\n', '\r', '\t', '\b'])

type State = 'text' | 'escape' | 'charset' | 'csi' | 'string' | 'stringEscape'

export class AnsiFilter {
  private state: State = 'text'
  private sequence = ''

  push(text: string): string {
    let out = ''
    for (const char of text) out += this.next(char)
    return out
  }

  private next(char: string): string {
    switch (this.state) {
      case 'text':
        return this.inText(char)
      case 'escape':
        return this.afterEscape(char)
      case 'charset':
        this.state = 'text'
        return ''
      case 'csi':
        return this.inSequence(char)
      case 'string':
        return this.inString(char)
      default:
        // ESC \ ends a string; any other ESC begins something new.
        this.state = 'text'
        return char === '\\' ? '' : this.afterEscape(char)
    }
  }

  private inText(char: string): string {
    const code = char.codePointAt(0) ?? 0
    if (char === ESC) this.state = 'escape'
    else if (code === 0x9b) this.begin('csi')
    else if ([0x90, 0x98, 0x9d, 0x9e, 0x9f].includes(code)) this.state = 'string'
    else if (code >= 0x20 && !(code >= 0x7f && code <= 0x9f))
      return DIRECTION.test(char) ? '\u25a1' : char
    else if (PLAIN_CONTROLS.has(char)) return char
    return ''
  }

  private begin(state: State) {
    this.state = state
    this.sequence = ''
  }

  private afterEscape(char: string): string {
    if (char === '[') this.begin('csi')
    else if (char === ']' || char === 'P' || char === 'X' || char === '^' || char === '_')
      this.state = 'string'
    else if ('()*+-./%# '.includes(char)) this.state = 'charset'
    else if (char !== ESC) this.state = 'text'
    return ''
  }

  private inSequence(char: string): string {
    const code = char.codePointAt(0) ?? 0
    if (char === ESC) {
      this.state = 'escape'
      return ''
    }
    if (code >= 0x40 && code <= 0x7e) {
      this.state = 'text'
      const passes = PASS.has(char) && /^[0-9;:]*$/.test(this.sequence)
      return passes ? `${ESC}[${this.sequence}${char}` : ''
    }
    this.sequence += char
    if (code < 0x20 || code > 0x3f || this.sequence.length > CSI_MAX) this.state = 'text'
    return ''
  }

  private inString(char: string): string {
    if (char === BEL || char === '\u009c') this.state = 'text'
    else if (char === ESC) this.state = 'stringEscape'
    return ''
  }
}

/** Without any sequence at all: for copying and plain views. */
export function plainOutput(text: string): string {
  // eslint-disable-next-line no-control-regex
  return new AnsiFilter().push(text).replace(/\u001b\[[0-9;:]*[A-Za-z]/g, '')
}
