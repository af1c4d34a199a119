/** Where to go after signing in: only a path of ours, never an address of somebody else. */
export function safeBack(back: unknown): string {
  return typeof back === 'string' && /^\/(?![/\\])/.test(back) ? back : '/'
}
