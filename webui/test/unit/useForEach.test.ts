import { expect, test } from 'vitest'
import { useForEach } from '@/pages/clients/list/useForEach'

test('each is done, a few at a time; one that fails is told of and stops nobody', async () => {
  const ids = Array.from({ length: 10 }, (_, i) => `client-${i}`)
  const seen: string[] = []
  const progress: number[] = []
  let atOnce = 0
  let most = 0
  const { busy, finished, failed, run } = useForEach(async (id) => {
    expect(busy.value).toBe(true)
    atOnce += 1
    most = Math.max(most, atOnce)
    await Promise.resolve()
    atOnce -= 1
    seen.push(id)
    progress.push(finished.value)
    if (id === 'client-3') throw new Error('gone')
  })
  expect(await run(ids)).toBe(9)
  expect(seen.sort()).toEqual(ids)
  expect(most).toBe(4)
  expect(busy.value).toBe(false)
  expect(finished.value).toBe(10)
  expect(Math.max(...progress)).toBeLessThan(10)
  expect(failed.value.map(({ id, error }) => [id, error.detail])).toEqual([['client-3', 'gone']])
  expect(await run(['client-1'])).toBe(1)
  expect(failed.value).toEqual([])
})
