import {
  appendFile,
  chmod,
  link,
  mkdir,
  open,
  rename,
  rm,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join, relative } from 'node:path'

import type { ExportStore, OpenObject } from '@sallyport/core'
import { positionCoded, storeContract } from '@sallyport/core/testing'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { createFilesystemStore } from '../src/filesystem.ts'
import { heldOpenBelow, makePipe, temporaryFolder } from './filesystem/temporary-folder.ts'

const { signal } = new AbortController()
const readAll = async (object: OpenObject | undefined): Promise<Buffer> => {
  const copies: Uint8Array[] = []
  try {
    for await (const chunk of object?.chunks ?? []) copies.push(Uint8Array.from(chunk))
  } finally {
    object?.close()
  }
  return Buffer.concat(copies)
}
const contentOf = async (store: ExportStore, key: string): Promise<string> =>
  (await readAll(await store.get(key, {}, signal))).toString()

describe.each([
  ['written under another name and renamed', '.new'],
  ['written in place', ''],
])('with files %s it keeps the store contract', (_, suffix) => {
  const cases = storeContract(async () => {
    const root = await temporaryFolder()
    return {
      store: createFilesystemStore({ root }),
      async put(key, bytes) {
        const path = join(root, key)
        await mkdir(dirname(path), { recursive: true })
        await writeFile(path + suffix, bytes)
        await rename(path + suffix, path)
      },
      remove: (key) => rm(join(root, key), { force: true }),
    }
  })
  test.each(cases)('$title', async ({ run }) => {
    await expect(run()).resolves.toBeUndefined()
  })
})

describe('the root', () => {
  test.each([undefined, '', 7, 'a\0b'])('is refused at creation where it is %j, by its name', (root) => {
    expect(() => createFilesystemStore({ root: root as string })).toThrow(/^createFilesystemStore: root: /)
  })

  test('may be a relative path', async () => {
    const root = await temporaryFolder()
    await writeFile(join(root, 'a'), 'content')
    expect(await contentOf(createFilesystemStore({ root: relative(process.cwd(), root) }), 'a')).toBe(
      'content',
    )
  })

  test('may be a link, and keeps the target of the first call', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'v1'))
    await mkdir(join(folder, 'v2'))
    await writeFile(join(folder, 'v1', 'a'), 'old')
    await writeFile(join(folder, 'v2', 'a'), 'new')
    await symlink('v1', join(folder, 'current'))
    const store = createFilesystemStore({ root: join(folder, 'current') })
    expect(await contentOf(store, 'a')).toBe('old')
    await unlink(join(folder, 'current'))
    await symlink('v2', join(folder, 'current'))
    expect(await contentOf(store, 'a')).toBe('old')
  })

  test('is not examined before the first call', async () => {
    const folder = await temporaryFolder()
    await mkdir(join(folder, 'v1'))
    await mkdir(join(folder, 'v2'))
    await writeFile(join(folder, 'v2', 'a'), 'new')
    await symlink('v1', join(folder, 'current'))
    const store = createFilesystemStore({ root: join(folder, 'current') })
    await unlink(join(folder, 'current'))
    await symlink('v2', join(folder, 'current'))
    expect(await contentOf(store, 'a')).toBe('new')
  })

  test('may be created later: the store is unavailable until it exists', async () => {
    const root = join(await temporaryFolder(), 'later')
    const store = createFilesystemStore({ root })
    await expect(store.get('a', {}, signal)).rejects.toMatchObject({
      message: 'unavailable',
      cause: { code: 'ENOENT' },
    })
    await expect(store.head('a', signal)).rejects.toThrow('unavailable')
    await mkdir(root)
    await writeFile(join(root, 'a'), 'content')
    expect(await contentOf(store, 'a')).toBe('content')
    expect(await store.head('b', signal)).toBeUndefined()
  })

  test('that has vanished is unavailable, not empty', async () => {
    const root = join(await temporaryFolder(), 'exports')
    await mkdir(root)
    const store = createFilesystemStore({ root })
    expect(await store.get('a', {}, signal)).toBeUndefined()
    await rm(root, { recursive: true })
    await expect(store.get('a', {}, signal)).rejects.toThrow('unavailable')
    await writeFile(root, 'a file now')
    await expect(store.head('a', signal)).rejects.toThrow('unavailable')
  })

  test('that is a file is unavailable', async () => {
    const root = join(await temporaryFolder(), 'file')
    await writeFile(root, 'content')
    await expect(createFilesystemStore({ root }).head('a', signal)).rejects.toThrow('unavailable')
  })
})

describe('what is not a regular file below the root is refused at once', () => {
  const prepare: Readonly<Record<string, (root: string) => Promise<string>>> = {
    'a link to a file': async (root) => {
      await writeFile(join(root, 'file'), 'content')
      await symlink('file', join(root, 'link'))
      return 'link'
    },
    'a link out of the root': async (root) => {
      await symlink('/etc/passwd', join(root, 'out'))
      return 'out'
    },
    'a link that leads nowhere': async (root) => {
      await symlink('nowhere', join(root, 'dangling'))
      return 'dangling'
    },
    'a file below a linked folder': async (root) => {
      await mkdir(join(root, 'folder'))
      await writeFile(join(root, 'folder', 'file'), 'content')
      await symlink('folder', join(root, 'linked'))
      return 'linked/file'
    },
    'a file below a folder linked from outside': async (root) => {
      const outside = await temporaryFolder()
      await writeFile(join(outside, 'file'), 'secret')
      await symlink(outside, join(root, 'linked'))
      return 'linked/file'
    },
    'a hard link to a file outside': async (root) => {
      const outside = await temporaryFolder()
      await writeFile(join(outside, 'file'), 'secret')
      await link(join(outside, 'file'), join(root, 'linked'))
      return 'linked'
    },
    'a folder': async (root) => {
      await mkdir(join(root, 'folder'))
      return 'folder'
    },
    'a pipe': async (root) => {
      makePipe(join(root, 'pipe'))
      return 'pipe'
    },
    'a socket': async (root) => {
      const server = createServer().listen(join(root, 'socket'))
      onTestFinished(() => void server.close())
      await new Promise((resolve) => server.once('listening', resolve))
      return 'socket'
    },
    'a name longer than any disk takes': async () => 'x'.repeat(1_000),
  }

  test.each(Object.entries(prepare))('%s', async (_, make) => {
    const root = await temporaryFolder()
    const key = await make(root)
    const store = createFilesystemStore({ root })
    await expect(store.get(key, {}, signal)).rejects.toThrow('upstream_error')
    await expect(store.head(key, signal)).rejects.toThrow('upstream_error')
    expect(heldOpenBelow(root)).toEqual([])
  })

  test.each(['null', 'zero', 'tty'])('the device %s', async (key) => {
    await expect(createFilesystemStore({ root: '/dev' }).get(key, {}, signal)).rejects.toThrow(
      /^(upstream_error|unavailable)$/,
    )
  })
})

describe('hard links', () => {
  test('are refused with a cause that names the option', async () => {
    const root = await temporaryFolder()
    await writeFile(join(root, 'a'), 'content')
    await link(join(root, 'a'), join(root, 'b'))
    await expect(createFilesystemStore({ root }).head('a', signal)).rejects.toMatchObject({
      message: 'upstream_error',
      cause: { message: "the file has 2 hard links; set hardLinks: 'allow' to serve it" },
    })
    expect(heldOpenBelow(root)).toEqual([])
  })

  test('are served where they are allowed', async () => {
    const root = await temporaryFolder()
    await writeFile(join(root, 'a'), 'content')
    await link(join(root, 'a'), join(root, 'b'))
    expect(await contentOf(createFilesystemStore({ root, hardLinks: 'allow' }), 'b')).toBe('content')
  })

  test('accept two values', async () => {
    expect(() => createFilesystemStore({ root: '/x', hardLinks: 'yes' as 'allow' })).toThrow(
      /^createFilesystemStore: hardLinks: /,
    )
  })
})

test('whatever the key, nothing outside the root is read', async () => {
  const folder = await temporaryFolder()
  const root = join(folder, 'root')
  await mkdir(join(root, 'sub'), { recursive: true })
  await mkdir(join(folder, 'root-beside'))
  for (const path of ['secret', 'root-beside/a', 'a']) await writeFile(join(folder, path), 'outside')
  for (const path of ['a', 'sub/a', 'sub/..a']) await writeFile(join(root, path), 'inside')
  await symlink('../secret', join(root, 'link'))
  await symlink('..', join(root, 'up'))
  await symlink(folder, join(root, 'sub', 'far'))
  const store = createFilesystemStore({ root })
  const word = fc.constantFrom(
    'a',
    'sub',
    '..',
    '.',
    '..a',
    'link',
    'up',
    'far',
    'root',
    'root-beside',
    'secret',
    '',
    '%2e%2e',
    '\0',
  )
  const key = fc
    .tuple(
      fc.constantFrom('', '/', './', '../', `${folder}/`),
      fc.array(word, { maxLength: 5 }),
      fc.constantFrom('/', '/', '\\', '//'),
    )
    .map(([start, words, slash]) => start + words.join(slash))
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(key, async (key) => {
      seen.add(await contentOf(store, key).catch((error: unknown) => String(error)))
    }),
    { numRuns: 1_000, examples: [['a'], ['sub/..a'], ['link'], ['up/secret'], ['sub/far/a'], ['../a']] },
  )
  // An empty text: there was no such file.
  expect([...seen].toSorted()).toEqual(['', 'Error: upstream_error', 'inside'])
})

describe('the validator', () => {
  test('is size and modification time: the same on a copy that keeps times', async () => {
    const [one, other] = [await temporaryFolder(), await temporaryFolder()]
    const when = new Date('2026-01-02T03:04:05Z')
    for (const root of [one, other]) {
      await writeFile(join(root, 'a'), 'content')
      await utimes(join(root, 'a'), when, when)
    }
    const info = { size: 7, validator: '7-1767323045000000000', lastModified: when }
    expect(await createFilesystemStore({ root: one }).head('a', signal)).toEqual(info)
    expect(await createFilesystemStore({ root: other }).head('a', signal)).toEqual(info)
  })

  test('does not detect a rewrite of the same size whose time is set back, as documented', async () => {
    const root = await temporaryFolder()
    const when = new Date('2026-01-02T03:04:05Z')
    const store = createFilesystemStore({ root })
    const validators: (string | undefined)[] = []
    for (const content of ['one', 'two']) {
      await writeFile(join(root, 'a'), content)
      await utimes(join(root, 'a'), when, when)
      validators.push((await store.head('a', signal))?.validator)
    }
    expect(validators[0]).toBe(validators[1])
  })
})

const SIZE = 3_000_000

describe('a file that changes under its reader', () => {
  /** Reads one chunk, lets the change happen, and reads on. */
  const readAcross = async (change: (path: string) => Promise<unknown>, size = SIZE): Promise<Buffer> => {
    const root = await temporaryFolder()
    const path = join(root, 'a')
    await writeFile(path, positionCoded(size, 1))
    const object = await createFilesystemStore({ root }).get('a', { borrow: true }, signal)
    const seen: Uint8Array[] = []
    try {
      for await (const chunk of object?.chunks ?? []) {
        if (seen.push(Uint8Array.from(chunk)) === 1) await change(path)
      }
    } finally {
      object?.close()
      await vi.waitFor(() => expect(heldOpenBelow(root)).toEqual([]))
    }
    return Buffer.concat(seen)
  }
  const replace = async (path: string): Promise<void> => {
    await writeFile(`${path}.new`, positionCoded(SIZE, 2))
    await rename(`${path}.new`, path)
  }
  const overwrite = async (path: string): Promise<void> => {
    const file = await open(path, 'r+')
    await file.write(positionCoded(1_000, 2), 0, 1_000, SIZE - 1_000)
    await file.close()
  }

  test.each([
    ['replaced by rename', replace],
    ['deleted', (path: string) => unlink(path)],
  ])('%s: the old bytes come, all of them', async (_, change) => {
    expect(Buffer.compare(await readAcross(change), positionCoded(SIZE, 1))).toBe(0)
  })

  test.each([
    ['overwritten in place, in its last bytes', overwrite],
    [
      'overwritten in place, and its modification time set back',
      async (path: string) => {
        const file = await open(path, 'r+')
        const { atime, mtime } = await file.stat()
        await file.write(positionCoded(1_000, 2), 0, 1_000, SIZE - 1_000)
        await file.utimes(atime, mtime)
        await file.close()
      },
    ],
    [
      'replaced, and the old file then overwritten',
      async (path: string) => {
        const file = await open(path, 'r+')
        await replace(path)
        await file.write(positionCoded(1_000, 2), 0, 1_000, SIZE - 1_000)
        await file.close()
      },
    ],
    ['truncated', (path: string) => truncate(path, 1_000_000)],
    ['emptied', (path: string) => truncate(path, 0)],
    ['grown', (path: string) => appendFile(path, 'more')],
    ['changed in its mode', (path: string) => chmod(path, 0o600)],
    ['given a second name', (path: string) => link(path, `${path}.backup`)],
    [
      'overwritten in place, its modification time set back, and given a second name',
      async (path: string) => {
        const file = await open(path, 'r+')
        const { atime, mtime } = await file.stat()
        await file.write(positionCoded(1_000, 2), 0, 1_000, SIZE - 1_000)
        await file.utimes(atime, mtime)
        await file.close()
        await link(path, `${path}.backup`)
      },
    ],
  ])('%s: the rest is withheld', async (_, change) => {
    await expect(readAcross(change)).rejects.toThrow('object_changed')
  })
})

test.runIf(process.platform === 'linux')(
  '1,000 opens, left at every point, give back every descriptor',
  async () => {
    const root = await temporaryFolder()
    await writeFile(join(root, 'small'), positionCoded(4_096))
    await writeFile(join(root, 'large'), positionCoded(SIZE))
    const store = createFilesystemStore({ root })
    const leave: readonly ((key: string) => Promise<unknown>)[] = [
      (key) => store.get(key, {}, AbortSignal.abort('left')),
      (key) => {
        const caller = new AbortController()
        const call = store.get(key, {}, caller.signal)
        caller.abort('left')
        return call
      },
      (key) => {
        const caller = new AbortController()
        const call = store.get(key, {}, caller.signal).then((object) => object?.close())
        setImmediate(() => caller.abort('left'))
        return call
      },
      async (key) => (await store.get(key, {}, signal))?.close(),
      async (key) => {
        const object = await store.get(key, { borrow: true }, signal)
        await object?.chunks[Symbol.asyncIterator]().next()
        object?.close()
      },
      async (key) => {
        const object = await store.get(key, {}, signal)
        const pending = object?.chunks[Symbol.asyncIterator]().next()
        object?.close()
        await pending
      },
      async (key) => {
        const object = await store.get(key, {}, signal)
        for await (const chunk of object?.chunks ?? []) if (chunk.length > 0) break
      },
      (key) => store.get(key, { ifMatch: 'another' }, signal),
      (key) => store.get(key, { range: { first: SIZE, last: SIZE } }, signal),
      (key) => store.head(key, signal),
    ]
    const calls = Array.from({ length: 1_000 }, (_, nth) =>
      leave[nth % leave.length]?.(nth % 20 < 10 ? 'small' : 'large'),
    )
    await Promise.allSettled(calls.map((call) => Promise.resolve(call)))
    await vi.waitFor(() => expect(heldOpenBelow(root)).toEqual([]))
    expect(await readAll(await store.get('large', {}, signal))).toEqual(Buffer.from(positionCoded(SIZE)))
  },
)

test('parts of at most 65,536 bytes come in one chunk, of memory that holds nothing else', async () => {
  const root = await temporaryFolder()
  await writeFile(join(root, 'a'), positionCoded(200_000))
  const store = createFilesystemStore({ root })
  for (const range of [
    { first: 0, last: 65_535 },
    { first: 199_990, last: 199_999 },
  ]) {
    const object = await store.get('a', { range }, signal)
    expect(heldOpenBelow(root)).toEqual([])
    const lengths: number[] = []
    for await (const { length, buffer } of object?.chunks ?? []) lengths.push(length, buffer.byteLength)
    const length = range.last - range.first + 1
    expect(lengths).toEqual([length, length])
  }
})
