// Measurements as graphs, disks and processes need them. A client sent them: all may be missing or wrong.
import type { Schemas } from '@/api/types'

export type Point = Schemas['GraphMetrics'] & Record<string, unknown>
export interface Graph {
  times: number[]
  values: Map<string, (number | null)[]>
}

// More than this many usual steps without a point: the client was away, the line breaks.
const GAP_STEPS = 3
const DAY_S = 86_400

const isNumber = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value)

function valueOf(point: Point, metric: string, stat: string): number | null {
  const part = point[metric]
  const value =
    typeof part === 'object' && part !== null ? (part as Record<string, unknown>)[stat] : undefined
  return isNumber(value) ? value : null
}

function usualStep(times: number[]): number {
  const steps = times.slice(1).map((t, i) => t - (times[i] ?? t))
  return steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? DAY_S
}

/** wanted: 'cpu_usage_percent.avg'. Points outside of the range are left out, gaps stay gaps. */
export function toGraph(points: Point[], wanted: string[], from: number, to: number): Graph {
  const known = points
    .map((point) => ({ point, time: Math.round(Date.parse(point.timestamp) / 1000) }))
    .filter(({ time }) => time > from && time < to)
    .sort((a, b) => a.time - b.time)
  const step = usualStep(known.map(({ time }) => time))
  const graph: Graph = { times: [], values: new Map(wanted.map((key) => [key, []])) }
  const add = (time: number, point: Point | undefined) => {
    graph.times.push(time)
    for (const key of wanted) {
      const [metric = '', stat = ''] = key.split('.')
      graph.values.get(key)?.push(point ? valueOf(point, metric, stat) : null)
    }
  }
  if (known.length === 0) return graph
  // The whole range is shown, also what of it has no points.
  add(from, undefined)
  known.forEach(({ time, point }, i) => {
    const before = known[i - 1]?.time
    if (before === time) return
    if (before !== undefined && time - before > GAP_STEPS * step) add(before + step, undefined)
    add(time, point)
  })
  add(to, undefined)
  return graph
}

export interface Disk {
  path: string
  total: number
  used: number
}

/** {"free_b./": n, "total_b./": n} → disks by path. */
export function toDisks(mountpoints: unknown): Disk[] {
  if (typeof mountpoints !== 'object' || mountpoints === null) return []
  const given = mountpoints as Record<string, unknown>
  return Object.keys(given)
    .filter((key) => key.startsWith('total_b.'))
    .flatMap((key) => {
      const path = key.slice('total_b.'.length)
      const total = given[key]
      const free = given[`free_b.${path}`]
      if (!isNumber(total) || !isNumber(free) || total <= 0) return []
      return [{ path, total, used: Math.max(0, Math.min(total, total - free)) }]
    })
    .sort((a, b) => a.path.localeCompare(b.path))
}

export interface ProcessRow {
  pid: number
  name: string
  command: string
  state: string
  cpu: number | null
  memory: number | null
  rss: number | null
}

const PROCESSES_MAX = 5000
const numberOr = (value: unknown) => (isNumber(value) ? value : null)
const textOf = (value: unknown) => (typeof value === 'string' ? value : '')

export function toProcesses(list: unknown): ProcessRow[] {
  if (!Array.isArray(list)) return []
  return list.slice(0, PROCESSES_MAX).flatMap((one: unknown) => {
    if (typeof one !== 'object' || one === null) return []
    const p = one as Record<string, unknown>
    return [
      {
        pid: numberOr(p.pid) ?? 0,
        name: textOf(p.name),
        command: textOf(p.cmdline),
        state: textOf(p.state),
        cpu: numberOr(p.cpu_avg_usage_percent),
        memory: numberOr(p.memory_usage_percent),
        rss: numberOr(p.rss),
      },
    ]
  })
}

type SortKey = 'pid' | 'name' | 'cpu' | 'memory' | 'rss'

/** By one column; a minus before it means descending. What is not known comes last. */
export function sortProcesses(rows: ProcessRow[], sort: string): ProcessRow[] {
  const descending = sort.startsWith('-')
  const key = sort.replace(/^-/, '') as SortKey
  const sign = descending ? -1 : 1
  return [...rows].sort((a, b) => {
    const [x, y] = [a[key], b[key]]
    if (x === null || y === null) return Number(x === null) - Number(y === null)
    if (typeof x === 'string' || typeof y === 'string')
      return sign * String(x).localeCompare(String(y))
    return sign * (x - y) || a.pid - b.pid
  })
}
