/** 'city: Cologne' lines as an object; the first line that is none of that is `bad`. */
export function parseLabels(text: string): { labels: Record<string, string>; bad?: string } {
  const labels: Record<string, string> = {}
  for (const line of text.split('\n').map((l) => l.trim())) {
    if (line === '') continue
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).trim()
    if (name === '') return { labels, bad: line }
    labels[name] = line.slice(colon + 1).trim()
  }
  return { labels }
}

export const labelsText = (labels: Record<string, string> | null | undefined) =>
  Object.entries(labels ?? {})
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n')
