// Columns of a DataTable and the layout that comes from them.

export interface Column<Row = unknown> {
  key: string
  label: string
  /** Name by which the API sorts; none: the column does not sort. */
  sort?: string
  /** Least width in rem, and the share of what is left (0: just that width). */
  width?: number
  grow?: number
  end?: boolean
  /** Not shown until the user asks for it; `fixed`: always there. */
  hidden?: boolean
  fixed?: boolean
  /** Plain text of the cell, for columns without a slot of their own. */
  text?: (row: Row) => string | number | null | undefined
}

const WIDTH_REM = 8
const GAP_REM = 0.75
const EDGE_REM = 1
export const SELECT_REM = 2

const track = (width: number, grow: number) =>
  grow > 0 ? `minmax(${width}rem, ${grow}fr)` : `${width}rem`

/** Each row is a grid of its own: the tracks must not depend on what is in them. */
export function layout(columns: Column<never>[], selectable: boolean) {
  const widths = columns.map((c) => c.width ?? WIDTH_REM)
  const tracks = columns.map((c, i) => track(widths[i] ?? WIDTH_REM, c.grow ?? 1))
  if (selectable) {
    tracks.unshift(`${SELECT_REM}rem`)
    widths.unshift(SELECT_REM)
  }
  const sum = widths.reduce((a, b) => a + b, 0) + GAP_REM * (widths.length - 1) + 2 * EDGE_REM
  return { '--tracks': tracks.join(' '), '--least': `${sum}rem` }
}

/** '' → 'name' → '-name' → 'name': what a click on a header makes of the sort. */
export function nextSort(current: string | undefined, name: string): string {
  return current === name ? `-${name}` : name
}

export function ariaSort(current: string | undefined, name: string | undefined) {
  if (!name) return undefined
  if (current === name) return 'ascending'
  return current === `-${name}` ? 'descending' : 'none'
}
