// Texts from clients may hold control characters, and characters that turn the direction of what
// follows them. They are shown by a mark instead.

export interface Piece {
  text: string
  /** 'U+202E' for a piece that is the mark of a hidden character. */
  code?: string
}

// Control and format characters (direction marks and overrides, zero width), line and paragraph
// separators, what is not assigned, and letters that look like nothing (fillers, Braille blank).
const HIDDEN =
  /\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}|\p{Cs}|\p{Cn}|\u034f|\u115f|\u1160|\u17b4|\u17b5|\u2800|\u3164|\uffa0/u

function mark(char: string): Piece {
  const code = char.codePointAt(0) ?? 0
  // The pictures of control characters; a box for all others.
  const picture =
    code < 0x20 ? String.fromCodePoint(0x2400 + code) : code === 0x7f ? '\u2421' : '\u25a1'
  return { text: picture, code: `U+${code.toString(16).toUpperCase().padStart(4, '0')}` }
}

/** keepLines: line feeds and tabs stay what they are (for text in a block of its own). */
export function safePieces(text: string, keepLines = false): Piece[] {
  const pieces: Piece[] = []
  let plain = ''
  for (const char of text) {
    if (!HIDDEN.test(char) || (keepLines && (char === '\n' || char === '\t'))) {
      plain += char
      continue
    }
    if (plain) pieces.push({ text: plain })
    plain = ''
    pieces.push(mark(char))
  }
  if (plain) pieces.push({ text: plain })
  return pieces
}

/** As one string, for titles and names that take no markup. */
export function safeString(text: string, max = 200): string {
  const whole = safePieces(text.slice(0, max))
    .map((piece) => piece.text)
    .join('')
  return text.length > max ? `${whole}…` : whole
}

/** The first max characters; a pair of surrogates is not cut. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text
  const last = text.charCodeAt(max - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? max - 1 : max)
}

/** Piles of combining characters would cover the lines around them. */
export function withoutPiles(text: string): string {
  return text.replace(/(\p{M}{4})\p{M}+/gu, '$1')
}
