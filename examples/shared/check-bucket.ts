import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, normalize } from 'node:path'

/** As much of S3 as downloads need, over directories: `prefixes` tells which directory lies below which prefix. */
export async function startBucket(
  bucket: string,
  prefixes: Readonly<Record<string, string>>,
): Promise<{ readonly url: string; readonly end: () => Promise<void> }> {
  const server = createServer((request, response) => {
    void found(request).then((object) => {
      if (!object) return response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>')
      const { bytes, status, headers } = object
      response.writeHead(status, { ...headers, ETag: '"1"', 'Content-Length': bytes.length })
      return response.end(request.method === 'HEAD' ? undefined : bytes)
    })
  })

  async function found({ url = '', headers }: IncomingMessage) {
    const path = normalize(decodeURIComponent(url.split('?')[0] ?? ''))
    for (const [prefix, directory] of Object.entries(prefixes)) {
      if (!path.startsWith(`/${bucket}/${prefix}/`)) continue
      const file = join(directory, path.slice(`/${bucket}/${prefix}/`.length))
      const bytes = await readFile(file).catch(() => undefined)
      const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []
      if (!bytes || first === undefined || last === undefined)
        return bytes && { bytes, status: 200, headers: {} }
      const part = bytes.subarray(Number(first), Number(last) + 1)
      return {
        bytes: part,
        status: 206,
        headers: { 'Content-Range': `bytes ${first}-${last}/${bytes.length}` },
      }
    }
    return undefined
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    end: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
