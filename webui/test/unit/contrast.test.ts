// WCAG AA by computation: every colour of the tokens on every ground that it stands on, in both themes.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const css = readFileSync(new URL('../../src/styles/tokens.css', import.meta.url), 'utf8')

type Rgb = [number, number, number]
function tokens(theme: string): Map<string, Rgb> {
  const block = new RegExp(`data-theme='${theme}'\\] \\{([^}]*)\\}`).exec(css)?.[1] ?? ''
  const found = new Map<string, Rgb>()
  for (const [, name = '', hex = ''] of block.matchAll(/--([\w-]+): #([0-9a-f]{6});/g)) {
    const part = (i: number) => parseInt(hex.slice(i, i + 2), 16)
    found.set(name, [part(0), part(2), part(4)])
  }
  return found
}
function luminance(color: Rgb): number {
  const [r, g, b] = color.map((n) => {
    const c = n / 255
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  }) as Rgb
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
function contrast(a: Rgb, b: Rgb): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (light + 0.05) / (dark + 0.05)
}
const faded = (color: Rgb, ground: Rgb, opacity: number) =>
  color.map((n, i) => n * opacity + (ground[i] ?? 0) * (1 - opacity)) as Rgb

const PLAIN = ['bg', 'surface', 'surface-2', 'accent-soft']
const TONES = ['ok', 'warn', 'danger', 'info']
/** Text, what it stands on, and its opacity where there is one. */
const TEXTS: [string, string, number?][] = [
  ...[...PLAIN, 'surface-3', ...TONES.map((t) => `${t}-soft`)].map((g): [string, string] => [
    'text',
    g,
  ]),
  ...[...PLAIN, 'surface-3', 'warn-soft'].map((g): [string, string] => ['text-2', g]),
  ...PLAIN.map((g): [string, string] => ['accent-text', g]),
  ...TONES.flatMap((t): [string, string][] =>
    [...PLAIN, `${t}-soft`].map((g): [string, string] => [t, g]),
  ),
  ['on-accent', 'accent'],
  ['on-accent', 'accent-hover'],
  ['on-danger', 'danger'],
  ['on-danger', 'danger-hover'],
  ['bg', 'text'],
  ['text', 'danger-soft', 0.85],
  ['text-2', 'surface', 0.85],
  ['term-text', 'term-bg', 0.7],
]
/** What has to be seen but not read: rims of fields, focus, dots, lines of graphs. */
const SHAPES: [string, string][] = [
  'border-strong',
  'accent',
  'idle',
  'danger',
  'ok',
  'warn',
  'chart-1',
  'chart-2',
  'chart-3',
  'chart-4',
].flatMap((name) => PLAIN.map((ground): [string, string] => [name, ground]))

describe.each(['light', 'dark'])('contrast in the %s theme', (theme) => {
  const known = tokens(theme)
  const color = (name: string): Rgb => {
    const found = known.get(name)
    if (!found) throw new Error(`no colour --${name}`)
    return found
  }
  it('of texts is 4.5 or more', () => {
    const low = TEXTS.map(([name, ground, opacity = 1]) => {
      const value = contrast(faded(color(name), color(ground), opacity), color(ground))
      return `${name} on ${ground}: ${value.toFixed(2)}`
    }).filter((line) => Number(line.split(': ')[1]) < 4.5)
    expect(low).toEqual([])
  })
  it('of shapes is 3 or more', () => {
    const low = SHAPES.map(
      ([name, ground]) =>
        `${name} on ${ground}: ${contrast(color(name), color(ground)).toFixed(2)}`,
    ).filter((line) => Number(line.split(': ')[1]) < 3)
    expect(low).toEqual([])
  })
})
