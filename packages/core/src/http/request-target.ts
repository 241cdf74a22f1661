/**
 * Returns all values of a query parameter of a request target, percent-decoded, in their order. `[]`: it is absent.
 *
 * @param target - as Node's `request.url`: path and query, or an absolute URL (RFC 9112 §3.2)
 */
export function queryValues(target: string, name: string): readonly string[] {
  const [, query] = /^[^?#]*\?([^#]*)/.exec(target) ?? []
  return query === undefined ? [] : new URLSearchParams(query).getAll(name)
}

/**
 * Replaces the last segment of a request target's path: `/exports/7/ticket?x=1` and `download` give `/exports/7/download`. The
 * result is always a path on the same origin. It begins with one slash, because two would make it the URL of another host.
 */
export function siblingPath(target: string, segment: string): string {
  const [path = ''] = target.replace(/^[a-z][a-z\d+.-]*:\/\/[^/\\?#]*/i, '').split(/[?#]/, 1)
  const { pathname } = new URL(`http://host/${path.replace(/^[/\\]+/, '')}`)
  const parent = pathname.replace(/\/$/, '').replace(/[^/]*$/, '')
  return `/${parent.replace(/^\/+/, '')}${segment}`
}
