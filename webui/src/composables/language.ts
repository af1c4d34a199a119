import type { Language } from '@/components/CodeEditor.vue'

/** Colours by the interpreter, or by the first line of the script. */
export function languageOf(interpreter: string, script: string): Language {
  const hint = `${interpreter} ${script.startsWith('#!') ? script.split('\n', 1)[0] : ''}`
  if (/powershell|pwsh/i.test(hint)) return 'powershell'
  if (/python/i.test(hint)) return 'python'
  if (/taco/i.test(hint)) return 'yaml'
  if (/\bcmd\b|node|perl|ruby/i.test(hint)) return 'plain'
  return 'shell'
}
