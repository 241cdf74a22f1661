import type { Forge } from './forge.ts'

/** The metadata and keys of issuers, without sockets, and which addresses were asked. */
export interface IssuersOnline {
  readonly fetch: typeof fetch
  readonly asked: string[]
  /** By address. An absent one is 404. */
  readonly pages: Map<string, unknown>
  readonly publish: (issuer: string, jwks: object) => void
}

export function issuersOnline(forges: readonly Pick<Forge, 'issuer' | 'jwks'>[]): IssuersOnline {
  const pages = new Map<string, unknown>()
  const asked: string[] = []
  const publish = (issuer: string, jwks: object): void => {
    pages.set(`${issuer}/.well-known/openid-configuration`, { issuer, jwks_uri: `${issuer}/keys` })
    pages.set(`${issuer}/keys`, jwks)
  }
  for (const { issuer, jwks } of forges) publish(issuer, jwks)
  return {
    pages,
    asked,
    publish,
    fetch: async (input) => {
      const url = input instanceof Request ? input.url : String(input)
      asked.push(url)
      return pages.has(url) ? Response.json(pages.get(url)) : new Response('', { status: 404 })
    },
  }
}
