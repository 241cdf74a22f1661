/**
 * All values of a query parameter in a request target, percent-decoded, in the order in which they stand. `[]`: it is not
 * there.
 *
 * @param target - as Node's `request.url`: path and query, or an absolute URL (RFC 9112 §3.2)
 */
export function queryValues(target: string, name: string): readonly string[] {
  const [, query] = /^[^?#]*\?([^#]*)/.exec(target) ?? []
  return query === undefined ? [] : new URLSearchParams(query).getAll(name)
}

/**
 * The path of a request target with another last segment: `/exports/7/ticket?x=1` and `download` give `/exports/7/download`.
 * It is a path of the same origin, whatever was asked: several slashes at its beginning would make it the URL of another host.
 */
export function siblingPath(target: string, segment: string): string {
  const [path = ''] = target.replace(/^[a-z][a-z\d+.-]*:\/\/[^/\\?#]*/i, '').split(/[?#]/, 1)
  const { pathname } = new URL(`http://host/${path.replace(/^[/\\]+/, '')}`)
  const parent = pathname.replace(/\/$/, '').replace(/[^/]*$/, '')
  return `/${parent.replace(/^\/+/, '')}${segment}`
}
