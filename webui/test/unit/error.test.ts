import { describe, expect, it } from 'vitest'
import { ApiError, asApiError, errorFrom } from '@/api/error'

describe('errorFrom', () => {
  it('reads the errors of the API', () => {
    const e = errorFrom(
      400,
      '{"errors":[{"code":"ERR_X","title":"Bad port","detail":"99999"},{"title":"Bad name"}]}',
    )
    expect([e.status, e.code, e.title, e.detail]).toEqual([
      400,
      'ERR_X',
      'Bad port. Bad name',
      '99999',
    ])
    expect(e.message).toBe('Bad port')
  })

  it('takes a short plain text as title, but no page of a proxy', () => {
    expect(errorFrom(404, '404 page not found').title).toBe('404 page not found')
    expect(errorFrom(502, '<html>bad gateway</html>').title).toMatch('502')
    expect(errorFrom(500, '').title).toMatch('500')
    expect(errorFrom(500, '{"errors":[]}').title).toMatch('500')
    expect(errorFrom(400, '{"errors":[7,null]}').title).toMatch('400')
  })

  it('says what to do', () => {
    expect(errorFrom(403, '').advice).toMatch(/administrator/)
    expect(asApiError(new TypeError('failed')).status).toBe(0)
    expect(asApiError(new TypeError('failed')).detail).toBe('failed')
    const own = new ApiError(409, [])
    expect(asApiError(own)).toBe(own)
  })
})
