/** A script in one line: the first that says something. */
export function firstLine(command: string): string {
  const lines = command.slice(0, 4000).split('\n')
  const line = lines.find((one) => one.trim() !== '' && !/^\s*#/.test(one))
  return (line ?? lines[0] ?? '').trim()
}
