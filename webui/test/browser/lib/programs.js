// Programs that run beside a test: their output is kept, waits have a deadline, they end by signal.
import { spawn, spawnSync } from 'node:child_process'

const PATIENCE = Number(process.env.RPORT_PATIENCE ?? 1)
export const WAIT_MS = 30_000 * PATIENCE

export function startProgram(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  let output = ''
  let exited = false
  const ended = new Promise((resolve) =>
    child.once('exit', () => {
      exited = true
      resolve()
    }),
  )
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (bytes) => (output += bytes.toString()))

  /** The match of the first line of output that fits, now or later. */
  async function line(pattern) {
    const deadline = Date.now() + WAIT_MS
    for (;;) {
      const match = pattern.exec(output)
      if (match) return match
      if (exited || Date.now() > deadline)
        throw new Error(`${command} ${args[0]}: no ${pattern} in\n${output.slice(-2000)}`)
      await pause(30)
    }
  }
  async function stop(signal = 'SIGTERM') {
    if (exited) return
    child.kill(signal)
    const hard = setTimeout(() => child.kill('SIGKILL'), 10_000)
    await ended
    clearTimeout(hard)
  }
  return { line, stop, pid: child.pid, output: () => output }
}

export function run(command, args, input = '') {
  const result = spawnSync(command, args, { input, encoding: 'utf8' })
  if (result.status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${result.stderr || result.error}`)
  return result.stdout
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Asks until the answer is true or the deadline has passed. */
export async function eventually(ask, what) {
  const deadline = Date.now() + WAIT_MS
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`)
    await pause(50)
  }
}
