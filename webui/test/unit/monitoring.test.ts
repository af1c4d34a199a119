import { describe, expect, test } from 'vitest'
import {
  sortProcesses,
  toDisks,
  toGraph,
  toProcesses,
  type Point,
} from '@/pages/client/monitoring/data'
import { labelsText, parseLabels } from '@/pages/client/settings/labels'
import { configured } from '@/pages/client/configuration'

const at = (seconds: number, cpu: unknown = { avg: 1, max: 2 }) =>
  ({
    timestamp: new Date(seconds * 1000).toISOString(),
    cpu_usage_percent: cpu,
  }) as unknown as Point

describe('graphs', () => {
  const keys = ['cpu_usage_percent.avg', 'cpu_usage_percent.max']
  test('points in the order of time, within the range', () => {
    const graph = toGraph([at(180), at(60), at(120), at(999)], keys, 0, 200)
    expect(graph.times).toEqual([0, 60, 120, 180, 200])
    expect(graph.values.get('cpu_usage_percent.max')).toEqual([null, 2, 2, 2, null])
  })
  test('the line breaks where the client was away', () => {
    const graph = toGraph([at(60), at(120), at(180), at(900), at(960)], keys, 0, 1000)
    expect(graph.times).toEqual([0, 60, 120, 180, 240, 900, 960, 1000])
    expect(graph.values.get('cpu_usage_percent.avg')).toEqual([null, 1, 1, 1, null, 1, 1, null])
  })
  test('nonsense is a gap', () => {
    const graph = toGraph([at(60, 'x'), at(120, { avg: 'y' }), at(180, null)], keys, 0, 200)
    expect(graph.values.get('cpu_usage_percent.avg')).toEqual(Array(5).fill(null))
    expect(toGraph([{ timestamp: 'never' } as Point], keys, 0, 1e12).times).toEqual([])
    expect(toGraph([], keys, 0, 1).times).toEqual([])
  })
})

test('disks by path; what does not fit is left out', () => {
  const given = {
    'free_b./': 25,
    'total_b./': 100,
    'free_b./home': 200,
    'total_b./home': 100,
    'total_b./lost': 1,
    'free_b./odd': 'x',
    'total_b./odd': 0,
  }
  expect(toDisks(given)).toEqual([
    { path: '/', total: 100, used: 75 },
    { path: '/home', total: 100, used: 0 },
  ])
  expect(toDisks(null)).toEqual([])
})

test('processes are sorted by any column, the unknown last', () => {
  const rows = toProcesses([
    { pid: 1, name: 'init', cpu_avg_usage_percent: 0.5, rss: 10 },
    { pid: 2, name: 'b', rss: 30 },
    { pid: 3, name: 'a', cpu_avg_usage_percent: 9, rss: 20 },
    'nonsense',
  ])
  const order = (sort: string) => sortProcesses(rows, sort).map((p) => p.pid)
  expect(order('-cpu')).toEqual([3, 1, 2])
  expect(order('cpu')).toEqual([1, 3, 2])
  expect(order('name')).toEqual([3, 2, 1])
  expect(order('-rss')).toEqual([2, 3, 1])
})

test('labels are lines', () => {
  expect(parseLabels('city: Cologne\n\n url : http://x ')).toEqual({
    labels: { city: 'Cologne', url: 'http://x' },
  })
  expect(parseLabels('city').bad).toBe('city')
  expect(parseLabels(': x').bad).toBe(': x')
  expect(labelsText({ a: '1', b: 'x: y' })).toBe('a: 1\nb: x: y')
})

test('what a client says about its configuration may be anything', () => {
  expect(configured({ client_configuration: undefined })).toMatchObject({ aliases: [], lan: false })
  const odd = { remote_commands: [], monitoring: 'x', interpreter_aliases: 3 }
  expect(configured({ client_configuration: odd as never }).commands).toBeUndefined()
  const good = {
    remote_commands: { enabled: false },
    monitoring: { enabled: true, lan_card: { name: 'eth0' }, wan_card: null },
    interpreter_aliases: { pwsh7: 'x' },
  }
  expect(configured({ client_configuration: good as never })).toMatchObject({
    commands: false,
    monitoring: true,
    aliases: ['pwsh7'],
    lan: true,
    wan: false,
  })
})
