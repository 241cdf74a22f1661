import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type TLSSocket } from 'node:tls'

/** A TLS server that passes everything to a plain server. */
export interface TlsFront {
  readonly port: number
  /** The certificate of its own authority, as PEM. */
  readonly ca: string
  /** Shows another certificate from now on, and closes all connections. */
  show(certificate: Certificate): void
  close(): Promise<void>
}

/** A private key and its certificate, as PEM. */
export interface Certificate {
  readonly key: string
  readonly cert: string
}

/** Starts the server on a free port of 127.0.0.1. A reset or an end on one side becomes one on the other. */
export async function startTlsFront(upstreamPort: number): Promise<TlsFront> {
  const { key, cert } = makeCertificate()
  const open = new Set<TLSSocket>()
  const server = createServer({ key, cert }, (client) => {
    open.add(client)
    const upstream = connect(upstreamPort, '127.0.0.1')
    passOn(client, upstream)
    passOn(upstream, client)
    client.on('close', () => open.delete(client))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    ca: cert,
    show: (certificate) => {
      server.setSecureContext(certificate)
      for (const client of open) client.destroy()
    },
    close: async () => {
      for (const client of open) client.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function passOn(from: Socket, to: Socket): void {
  from.on('error', () => to.destroy())
  from.on('close', () => to.destroy())
  from.pipe(to)
}

/**
 * Makes a certificate, signed by itself, by the command `openssl`.
 *
 * @param name - the server that it is for
 */
export function makeCertificate(name = 'IP:127.0.0.1'): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-tls-'))
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    const subject = ['-subj', '/CN=sallyport', '-addext', `subjectAltName=${name}`, '-days', '2']
    execFileSync('openssl', [...request, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
