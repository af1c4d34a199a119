// Shapes taken from the API's description, so that pages name them in a word.
import type { components, paths } from './schema.gen'

export type Schemas = components['schemas']

export type Method = 'get' | 'post' | 'put' | 'delete'

/** Paths that know a method. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends { [K in M]: { responses: unknown } } ? P : never
}[keyof paths]

type Operation<M extends Method, P extends PathOf<M>> = paths[P] extends { [K in M]: infer O }
  ? O
  : never

type JsonOf<R> = R extends { content: { 'application/json': infer J } } ? J : undefined

type GoodOf<R> = 200 extends keyof R ? R[200] : 201 extends keyof R ? R[201] : undefined

/** The JSON of the good answer; undefined where it has no body. */
export type Answer<M extends Method, P extends PathOf<M>> =
  Operation<M, P> extends { responses: infer R } ? JsonOf<GoodOf<R>> : never

/** The JSON body that a call takes. */
export type Body<M extends Method, P extends PathOf<M>> =
  Operation<M, P> extends { requestBody?: infer B }
    ? NonNullable<B> extends { content: { 'application/json': infer J } }
      ? J
      : never
    : never

/** What stands in braces in a path: '/clients/{client_id}' needs {client_id}. */
export type PathParams<P extends string> = P extends `${string}{${infer Name}}${infer Rest}`
  ? { [K in Name | keyof PathParams<Rest>]: string | number }
  : unknown
