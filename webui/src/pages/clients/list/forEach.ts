import { asApiError, type ApiError } from '@/api/error'

export interface Outcome {
  done: string[]
  failed: { id: string; error: ApiError }[]
}

const AT_ONCE = 4

/** Calls work for each id, a few at a time; told after each. One that fails does not stop the others. */
export async function forEachClient(
  ids: string[],
  work: (id: string) => Promise<unknown>,
  progress: (finished: number) => void,
): Promise<Outcome> {
  const outcome: Outcome = { done: [], failed: [] }
  const waiting = [...ids]
  async function worker() {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      try {
        await work(id)
        outcome.done.push(id)
      } catch (thrown) {
        outcome.failed.push({ id, error: asApiError(thrown) })
      }
      progress(outcome.done.length + outcome.failed.length)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return outcome
}
