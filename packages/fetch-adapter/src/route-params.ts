import type { ExportRequest } from '@sallyport/core'

/**
 * The route parameters. None, if another segment is percent-encoded: some frameworks, such as Hono, decode a path before they look for
 * the route, so `/exports/1/downloa%64` matches, although an access rule of a proxy may not.
 *
 * @param params - what the framework found in the path
 * @param pathname - the path as the client sent it
 */
export function routeParams(params: ExportRequest['params'], pathname: string): ExportRequest['params'] {
  const values = Object.values(params)
  const isParameter = (segment: string): boolean => {
    const texts = [segment, decoded(segment)]
    return values.some((value) => texts.some((text) => text !== undefined && value?.includes(text)))
  }
  const encoded = pathname.split('/').filter((segment) => segment.includes('%'))
  return encoded.every(isParameter) ? params : {}
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
