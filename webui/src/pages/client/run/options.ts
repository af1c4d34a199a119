import { run } from '@/texts'

export interface RunOptions {
  interpreter: string
  cwd: string
  sudo: boolean
  timeout: string
}
export const newOptions = (): RunOptions => ({
  interpreter: '',
  cwd: '',
  sudo: false,
  timeout: '60',
})

const TIMEOUT_MAX = 604_800

export function timeoutError(options: RunOptions): string | undefined {
  const n = Number(options.timeout)
  return Number.isInteger(n) && n >= 1 && n <= TIMEOUT_MAX ? undefined : run.timeoutBad
}

/** As the body of a request has them. */
export const optionsBody = (options: RunOptions) => ({
  interpreter: options.interpreter.trim(),
  cwd: options.cwd.trim(),
  is_sudo: options.sudo,
  timeout_sec: Number(options.timeout),
})
