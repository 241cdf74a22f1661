/** How client and server speak: HTTP/1.1, the same over TLS 1.3, or HTTP/2 over TLS 1.3. */
export type Transport = 'http' | 'https' | 'h2'

/** The transport of a server, as the bench passes it on. */
export interface TransportSettings {
  readonly transport: string
  /** PEM. Empty without TLS. */
  readonly key: string
  readonly cert: string
}
