import { expect, test, vi } from 'vitest'
import { ApiError } from '@/api/error'
import { useSubmit } from '@/composables/useSubmit'

const refusal = (status: number) => new ApiError(status, [{ code: '', title: 'No', detail: '' }])

test('it is busy while the work lasts, and the work is not done twice', async () => {
  const { busy, failure, submit } = useSubmit()
  const work = vi.fn(() => Promise.resolve())
  const first = submit(work)
  expect(busy.value).toBe(true)
  await submit(work)
  await first
  expect(work).toHaveBeenCalledTimes(1)
  expect(busy.value).toBe(false)
  expect(failure.value).toBeUndefined()
})

test('what is thrown is shown until the next attempt; nothing comes after it', async () => {
  const { busy, failure, submit } = useSubmit()
  const closed = vi.fn()
  await submit(async () => {
    await Promise.reject(refusal(400))
    closed()
  })
  expect(closed).not.toHaveBeenCalled()
  expect(busy.value).toBe(false)
  expect(failure.value?.title).toBe('No')
  await submit(() => Promise.reject(new Error('the network is gone')))
  expect(failure.value?.detail).toBe('the network is gone')
  const again = submit(() => Promise.resolve())
  expect(failure.value).toBeUndefined()
  await again
})

test('what the form explains itself is no failure', async () => {
  const explain = vi.fn((error: ApiError) => error.status === 401)
  const { failure, submit } = useSubmit(explain)
  await submit(() => Promise.reject(refusal(401)))
  expect(failure.value).toBeUndefined()
  await submit(() => Promise.reject(refusal(500)))
  expect(failure.value?.status).toBe(500)
  expect(explain).toHaveBeenCalledTimes(2)
})
