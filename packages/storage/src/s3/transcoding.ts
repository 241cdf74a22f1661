import { member } from './upstream-of.ts'

/**
 * Whether the service has decompressed the object on the way. Google's does, unless the request accepts gzip. The response then has
 * neither the length of the object nor a strong entity-tag, so the request must be sent again with `Accept-Encoding: gzip`.
 *
 * That field cannot be sent with every request: a gateway in front of another service might then compress objects on the way. And it
 * must not be signed: Google's front end changes it.
 */
export const isTranscoded = (headers: unknown): boolean =>
  member(headers, 'x-goog-stored-content-encoding') === 'gzip' &&
  member(headers, 'content-encoding') === undefined
