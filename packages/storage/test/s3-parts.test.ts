import { S3Client } from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'

import { type CannedAnswer, s3Error, startCannedStore } from '../../../scripts/servers/canned-store.ts'
import { listS3Parts } from '../src/s3-parts.ts'

const PREFIX = 'unload/17/'

interface Listed {
  readonly key: string
  readonly size?: number
  readonly etag?: string
}

const page = (contents: readonly Listed[], next?: string): CannedAnswer => ({
  status: 200,
  headers: { 'content-type': 'application/xml' },
  body: `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><IsTruncated>${next !== undefined}</IsTruncated>${
    next === undefined ? '' : `<NextContinuationToken>${next}</NextContinuationToken>`
  }${contents
    .map(
      ({ key, size = 5, etag = '"e"' }) =>
        `<Contents><Key>${key}</Key><Size>${size}</Size><ETag>${etag.replaceAll('"', '&quot;')}</ETag></Contents>`,
    )
    .join('')}</ListBucketResult>`,
})

/** Lists a bucket whose pages are given, in order. */
async function list(pages: readonly CannedAnswer[], more: object = {}) {
  let nth = 0
  const server = await startCannedStore({
    '': {
      status: 200,
      write: (response) => {
        const { status, headers, body } = pages[nth++] ?? s3Error(500, 'InternalError')
        response.writeHead(status, headers).end(body)
      },
    },
  })
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${server.port}`,
    region: 'eu-central-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: 'AKID', secretAccessKey: 'secret' },
  })
  try {
    const parts = await listS3Parts({ client, bucket: 'warehouse', prefix: PREFIX, ...more })
    return { parts, requests: server.requests }
  } finally {
    client.destroy()
    await server.close()
  }
}
const marker = { key: `${PREFIX}_SUCCESS`, size: 0 }
const keysOf = async (...contents: readonly Listed[]): Promise<readonly string[]> =>
  (await list([page([...contents, marker])])).parts.map(({ key }) => key)

describe('lists', () => {
  test('keys, sizes and ETags', async () => {
    const { parts, requests } = await list([
      page([
        { key: `${PREFIX}part-0`, size: 1_073_741_824, etag: '"9f3"' },
        { key: `${PREFIX}part-1`, size: 0 },
        marker,
      ]),
    ])
    expect(parts).toEqual([
      { key: 'unload/17/part-0', size: 1_073_741_824, validator: '"9f3"' },
      { key: 'unload/17/part-1', size: 0, validator: '"e"' },
    ])
    expect(requests.map(({ path, query }) => [path, query.get('list-type'), query.get('prefix')])).toEqual([
      ['/warehouse/', '2', PREFIX],
    ])
  })

  test('all pages, sorted by the bytes of the keys', async () => {
    // By UTF-16 code units, U+1F600 would come before U+FF5E.
    const { parts, requests } = await list([
      page([{ key: `${PREFIX}\u{1f600}` }, { key: `${PREFIX}b` }], 'token/1=='),
      page([{ key: `${PREFIX}a10` }, marker], 'token/2'),
      page([{ key: `${PREFIX}\uff5e` }, { key: `${PREFIX}a2` }]),
    ])
    expect(parts.map(({ key }) => key.slice(PREFIX.length))).toEqual([
      'a10',
      'a2',
      'b',
      '\uff5e',
      '\u{1f600}',
    ])
    expect(requests.map(({ query }) => query.get('continuation-token'))).toEqual([
      null,
      'token/1==',
      'token/2',
    ])
  })

  test('no files of the writer itself', async () => {
    const keys = await keysOf(
      { key: PREFIX },
      { key: `${PREFIX}sub/`, size: 0 },
      { key: `${PREFIX}_committed_17` },
      { key: `${PREFIX}_temporary/0/part-0` },
      { key: `${PREFIX}.part-0.crc` },
      { key: `${PREFIX}_day=1/part-0` },
      { key: `${PREFIX}day=1/part-0` },
      { key: `${PREFIX}day=1/_started_17` },
    )
    expect(keys).toEqual(['unload/17/_day=1/part-0', 'unload/17/day=1/part-0'])
  })

  test.each(['W/"weak"', 'bare', '""'])('no validator for the ETag %s', async (etag) => {
    const { parts } = await list([page([{ key: `${PREFIX}a`, etag }, marker])])
    expect(parts).toEqual([{ key: 'unload/17/a', size: 5 }])
  })

  test('without a marker if the caller says so', async () => {
    const { parts } = await list([page([{ key: `${PREFIX}a` }])], { marker: false })
    expect(parts).toHaveLength(1)
  })

  test('nothing as an empty list', async () => {
    expect((await list([page([])], { marker: false })).parts).toEqual([])
  })
})

describe('rejects', () => {
  test('without the marker, also if another prefix has it', async () => {
    const other = { key: `${PREFIX}sub/_SUCCESS`, size: 0 }
    await expect(list([page([{ key: `${PREFIX}a` }, other])])).rejects.toThrow(
      "listS3Parts: there is no object '_SUCCESS' at the prefix, so the parts may be incomplete. If their writer puts no marker there, set marker: false",
    )
  })

  test('with the error of the client', async () => {
    await expect(list([s3Error(403, 'AccessDenied')])).rejects.toMatchObject({ name: 'AccessDenied' })
    await expect(
      list([page([{ key: `${PREFIX}a` }], 'next'), s3Error(500, 'InternalError')]),
    ).rejects.toMatchObject({
      name: 'InternalError',
    })
  })

  test.each([
    [
      'without saying where',
      [{ ...page([marker]), body: `<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>` }],
    ],
    ['where it began', [page([marker], 'next'), page([], 'next')]],
  ])('a listing that continues %s', async (_, pages) => {
    await expect(list(pages)).rejects.toThrow('listS3Parts: the listing is incomplete')
  })

  test('a listing that is far too long', async () => {
    const thousand = Array.from({ length: 1_000 }, (_, nth) => ({ key: `${PREFIX}${nth}` }))
    const pages = Array.from({ length: 200 }, (_, nth) => page(thousand, `next-${nth}`))
    await expect(list(pages)).rejects.toThrow('listS3Parts: more than 100000 objects have this prefix')
  })

  test('when its signal fires, also between two pages', async () => {
    const stop = new AbortController()
    const pages = [page([{ key: `${PREFIX}a` }], 'next')]
    const stopping = { ...pages[0], status: 200, headers: { 'content-type': 'application/xml' } }
    const listing = list([stopping, { status: 200, body: '' }], { signal: stop.signal })
    stop.abort(new Error('the job was stopped'))
    await expect(listing).rejects.toThrow('the job was stopped')
  })
})
